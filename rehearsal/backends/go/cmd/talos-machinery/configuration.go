package main

import (
	"fmt"
	"strings"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/bundle"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/encoder"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"
	"github.com/siderolabs/talos/pkg/machinery/constants"
)

// configuration generates a machine's configuration and lays the patches over it, as the provider's function does.
func configuration(asked *request) (any, error) {
	kind, err := machine.ParseType(asked.MachineType)
	if err != nil || (kind != machine.TypeControlPlane && kind != machine.TypeWorker) {
		return nil, fmt.Errorf("machineType must be controlplane or worker, not %q", asked.MachineType)
	}
	contract, err := config.ParseContractFromVersion(asked.TalosVersion)
	if err != nil {
		return nil, fmt.Errorf("talosVersion: %w", err)
	}
	secrets, err := toBundle(asked.Secrets)
	if err != nil {
		return nil, fmt.Errorf("machineSecrets: %w", err)
	}
	patches, err := configpatcher.LoadPatches(asked.Patches)
	if err != nil {
		return nil, fmt.Errorf("configPatches: %w", err)
	}
	version := asked.KubernetesVersion
	if version == "" {
		version = constants.DefaultKubernetesVersion
	}
	over := bundle.WithPatchControlPlane
	if kind == machine.TypeWorker {
		over = bundle.WithPatchWorker
	}
	made, err := bundle.NewBundle(
		bundle.WithInputOptions(&bundle.InputOptions{
			ClusterName: asked.ClusterName,
			Endpoint:    asked.ClusterEndpoint,
			KubeVersion: strings.TrimPrefix(version, "v"),
			GenOptions: []generate.Option{
				generate.WithClusterDiscovery(true),
				generate.WithDNSDomain(constants.DefaultDNSDomain),
				generate.WithInstallDisk("/dev/sda"),
				generate.WithSecretsBundle(secrets),
				generate.WithVersionContract(contract),
			},
		}),
		bundle.WithVerbose(false),
		over(patches),
	)
	if err != nil {
		return nil, err
	}
	comments := encoder.CommentsDisabled
	if asked.Docs {
		comments |= encoder.CommentsDocs
	}
	if asked.Examples {
		comments |= encoder.CommentsExamples
	}
	text, err := made.Serialize(comments, kind)
	if err != nil {
		return nil, err
	}
	return map[string]any{"machineConfiguration": string(text)}, nil
}

// patched lays patches over a configuration, as the provider does before it sends it.
func patched(asked *request) (any, error) {
	patches, err := configpatcher.LoadPatches(asked.Patches)
	if err != nil {
		return nil, fmt.Errorf("configPatches: %w", err)
	}
	out, err := configpatcher.Apply(configpatcher.WithBytes([]byte(asked.Configuration)), patches)
	if err != nil {
		return nil, fmt.Errorf("configPatches: %w", err)
	}
	text, err := out.Bytes()
	if err != nil {
		return nil, err
	}
	return map[string]any{"machineConfiguration": string(text)}, nil
}

// onVMware says what Talos knows of a virtual machine: its image is installed already, and it is no container.
type onVMware struct{}

func (onVMware) String() string        { return "cloud" }
func (onVMware) RequiresInstall() bool { return false }
func (onVMware) InContainer() bool     { return false }

// describe does what a machine does with a configuration that it is sent: it loads it, refuses unknown keys, validates
// it, and then knows who it is. The answer holds no secret.
func describe(asked *request) (any, error) {
	loaded, err := configloader.NewFromBytes([]byte(asked.Configuration))
	if err != nil {
		return nil, err
	}
	warnings, err := loaded.Validate(onVMware{})
	if err != nil {
		return nil, err
	}
	kind := loaded.Machine().Type()
	kubelet := loaded.Machine().Kubelet()
	manifests := []string{}
	inline := []string{}
	if kind.IsControlPlane() {
		manifests = append(manifests, loaded.Cluster().ExtraManifestURLs()...)
		for _, one := range loaded.Cluster().InlineManifests() {
			inline = append(inline, one.Contents())
		}
	}
	described := map[string]any{
		"warnings":               append([]string{}, warnings...),
		"machineType":            kind.String(),
		"clusterId":              loaded.Cluster().ID(),
		"clusterName":            loaded.Cluster().Name(),
		"clusterEndpoint":        loaded.Cluster().Endpoint().String(),
		"hostname":               hostname(loaded),
		"addresses":              addresses(loaded),
		"nodeLabels":             loaded.Machine().NodeLabels(),
		"nodeAnnotations":        loaded.Machine().NodeAnnotations(),
		"nodeTaints":             loaded.Machine().NodeTaints(),
		"installImage":           loaded.Machine().Install().Image(),
		"kernel":                 constants.DefaultKernelVersion,
		"containerRuntime":       "containerd://" + constants.DefaultContainerdVersion,
		"kubeletImage":           kubelet.Image(),
		"kubeletArguments":       kubelet.ExtraArgs(),
		"externalCloudProvider":  loaded.Cluster().ExternalCloudProvider().Enabled(),
		"scheduleOnControlPlane": loaded.Cluster().ScheduleOnControlPlanes(),
		"extraManifests":         manifests,
		"inlineManifests":        inline,
	}
	return described, nil
}

func hostname(loaded config.Provider) string {
	if named := loaded.NetworkHostnameConfig(); named != nil {
		return named.Hostname()
	}
	return ""
}

func addresses(loaded config.Provider) []string {
	found := []string{}
	for _, link := range loaded.NetworkCommonLinkConfigs() {
		for _, address := range link.Addresses() {
			found = append(found, address.Address().String())
		}
	}
	for _, device := range loaded.Machine().Network().Devices() {
		found = append(found, device.Addresses()...)
	}
	return found
}
