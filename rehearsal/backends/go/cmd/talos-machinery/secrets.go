package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/siderolabs/crypto/x509"
	clientconfig "github.com/siderolabs/talos/pkg/machinery/client/config"
	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/constants"
	"github.com/siderolabs/talos/pkg/machinery/role"
)

// pair is a certificate with its key as the provider writes them: PEM in base64, which is how JSON carries bytes.
type pair struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"`
}

// machines has the shape of the provider's `machineSecrets`.
type machines struct {
	Cluster struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	} `json:"cluster"`
	Secrets struct {
		BootstrapToken            string `json:"bootstrapToken"`
		SecretboxEncryptionSecret string `json:"secretboxEncryptionSecret"`
		AescbcEncryptionSecret    string `json:"aescbcEncryptionSecret,omitempty"`
	} `json:"secrets"`
	Trustdinfo struct {
		Token string `json:"token"`
	} `json:"trustdinfo"`
	Certs struct {
		Etcd              pair `json:"etcd"`
		K8s               pair `json:"k8s"`
		K8sAggregator     pair `json:"k8sAggregator"`
		K8sServiceaccount struct {
			Key []byte `json:"key"`
		} `json:"k8sServiceaccount"`
		OS pair `json:"os"`
	} `json:"certs"`
}

// client has the shape of the provider's `clientConfiguration`.
type client struct {
	CaCertificate     string `json:"caCertificate"`
	ClientCertificate string `json:"clientCertificate"`
	ClientKey         string `json:"clientKey"`
}

// newSecrets makes a cluster's secrets. The given authority becomes the cluster's, so that the certificates made from
// these secrets open an API server that runs already.
func newSecrets(asked *request) (any, error) {
	contract, err := config.ParseContractFromVersion(asked.TalosVersion)
	if err != nil {
		return nil, fmt.Errorf("talosVersion: %w", err)
	}
	bundle, err := secrets.NewBundle(secrets.NewFixedClock(time.Now()), contract)
	if err != nil {
		return nil, err
	}
	if len(asked.Authority.Cert) > 0 {
		bundle.Certs.K8s = &x509.PEMEncodedCertificateAndKey{Crt: asked.Authority.Cert, Key: asked.Authority.Key}
	}
	if err := bundle.Validate(); err != nil {
		return nil, err
	}
	made, err := bundle.GenerateTalosAPIClientCertificateWithTTL(
		role.MakeSet(role.Admin), constants.TalosAPIDefaultCertificateValidityDuration,
	)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"machineSecrets": fromBundle(bundle),
		"clientConfiguration": client{
			CaCertificate:     base64.StdEncoding.EncodeToString(bundle.Certs.OS.Crt),
			ClientCertificate: base64.StdEncoding.EncodeToString(made.Crt),
			ClientKey:         base64.StdEncoding.EncodeToString(made.Key),
		},
	}, nil
}

func fromBundle(bundle *secrets.Bundle) *machines {
	of := func(given *x509.PEMEncodedCertificateAndKey) pair { return pair{given.Crt, given.Key} }
	var made machines
	made.Cluster.ID, made.Cluster.Secret = bundle.Cluster.ID, bundle.Cluster.Secret
	made.Secrets.BootstrapToken = bundle.Secrets.BootstrapToken
	made.Secrets.SecretboxEncryptionSecret = bundle.Secrets.SecretboxEncryptionSecret
	made.Secrets.AescbcEncryptionSecret = bundle.Secrets.AESCBCEncryptionSecret
	made.Trustdinfo.Token = bundle.TrustdInfo.Token
	made.Certs.Etcd, made.Certs.K8s = of(bundle.Certs.Etcd), of(bundle.Certs.K8s)
	made.Certs.K8sAggregator, made.Certs.OS = of(bundle.Certs.K8sAggregator), of(bundle.Certs.OS)
	made.Certs.K8sServiceaccount.Key = bundle.Certs.K8sServiceAccount.Key
	return &made
}

func toBundle(given *machines) (*secrets.Bundle, error) {
	if given == nil {
		return nil, errors.New("machineSecrets is missing")
	}
	of := func(given pair) *x509.PEMEncodedCertificateAndKey {
		return &x509.PEMEncodedCertificateAndKey{Crt: given.Cert, Key: given.Key}
	}
	bundle := &secrets.Bundle{
		Clock:   secrets.NewFixedClock(time.Now()),
		Cluster: &secrets.Cluster{ID: given.Cluster.ID, Secret: given.Cluster.Secret},
		Secrets: &secrets.Secrets{
			BootstrapToken:            given.Secrets.BootstrapToken,
			SecretboxEncryptionSecret: given.Secrets.SecretboxEncryptionSecret,
			AESCBCEncryptionSecret:    given.Secrets.AescbcEncryptionSecret,
		},
		TrustdInfo: &secrets.TrustdInfo{Token: given.Trustdinfo.Token},
		Certs: &secrets.Certs{
			Etcd:              of(given.Certs.Etcd),
			K8s:               of(given.Certs.K8s),
			K8sAggregator:     of(given.Certs.K8sAggregator),
			K8sServiceAccount: &x509.PEMEncodedKey{Key: given.Certs.K8sServiceaccount.Key},
			OS:                of(given.Certs.OS),
		},
	}
	return bundle, bundle.Validate()
}

// talosconfig writes what `talosctl` reads.
func talosconfig(asked *request) (any, error) {
	var known [3][]byte
	for i, text := range []string{asked.Client.CaCertificate, asked.Client.ClientCertificate, asked.Client.ClientKey} {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("clientConfiguration is not base64")
		}
		known[i] = decoded
	}
	made := clientconfig.NewConfig(
		asked.ClusterName, asked.Endpoints, known[0],
		&x509.PEMEncodedCertificateAndKey{Crt: known[1], Key: known[2]},
	)
	if len(asked.Nodes) > 0 {
		made.Contexts[asked.ClusterName].Nodes = asked.Nodes
	}
	text, err := made.Bytes()
	if err != nil {
		return nil, err
	}
	return map[string]any{"talosConfig": string(text)}, nil
}
