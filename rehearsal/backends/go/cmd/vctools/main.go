// Command vctools is the simulated vCenter of a rehearsal and the client for it: vcsim and govc of the govmomi project.
//
// The name that it is called by decides which of the two it is. Their own `main` packages lie in modules that are not
// served for this version; these are the same libraries behind the flags that a rehearsal needs.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/cli"
	_ "github.com/vmware/govmomi/cli/about"
	_ "github.com/vmware/govmomi/cli/cluster"
	_ "github.com/vmware/govmomi/cli/cluster/group"
	_ "github.com/vmware/govmomi/cli/cluster/override"
	_ "github.com/vmware/govmomi/cli/cluster/rule"
	_ "github.com/vmware/govmomi/cli/datacenter"
	_ "github.com/vmware/govmomi/cli/datastore"
	_ "github.com/vmware/govmomi/cli/datastore/disk"
	_ "github.com/vmware/govmomi/cli/device"
	_ "github.com/vmware/govmomi/cli/dvs"
	_ "github.com/vmware/govmomi/cli/dvs/portgroup"
	_ "github.com/vmware/govmomi/cli/env"
	_ "github.com/vmware/govmomi/cli/events"
	_ "github.com/vmware/govmomi/cli/fields"
	_ "github.com/vmware/govmomi/cli/folder"
	_ "github.com/vmware/govmomi/cli/host"
	_ "github.com/vmware/govmomi/cli/host/maintenance"
	_ "github.com/vmware/govmomi/cli/host/portgroup"
	_ "github.com/vmware/govmomi/cli/host/vswitch"
	_ "github.com/vmware/govmomi/cli/importx"
	_ "github.com/vmware/govmomi/cli/library"
	_ "github.com/vmware/govmomi/cli/ls"
	_ "github.com/vmware/govmomi/cli/object"
	_ "github.com/vmware/govmomi/cli/option"
	_ "github.com/vmware/govmomi/cli/permissions"
	_ "github.com/vmware/govmomi/cli/pool"
	_ "github.com/vmware/govmomi/cli/session"
	_ "github.com/vmware/govmomi/cli/storage/policy"
	_ "github.com/vmware/govmomi/cli/tags"
	_ "github.com/vmware/govmomi/cli/tags/association"
	_ "github.com/vmware/govmomi/cli/tags/category"
	_ "github.com/vmware/govmomi/cli/task"
	_ "github.com/vmware/govmomi/cli/version"
	_ "github.com/vmware/govmomi/cli/vm"
	_ "github.com/vmware/govmomi/cli/vm/disk"
	_ "github.com/vmware/govmomi/cli/vm/guest"
	_ "github.com/vmware/govmomi/cli/vm/network"
	_ "github.com/vmware/govmomi/cli/vm/option"
	_ "github.com/vmware/govmomi/cli/vm/snapshot"
	_ "github.com/vmware/govmomi/cns/simulator"
	_ "github.com/vmware/govmomi/lookup/simulator"
	_ "github.com/vmware/govmomi/pbm/simulator"
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/ssoadmin/simulator"
	_ "github.com/vmware/govmomi/sts/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator"
	_ "github.com/vmware/govmomi/vslm/simulator"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "govc":
		os.Exit(cli.Run(os.Args[1:]))
	case "vcsim":
		if err := simulate(); err != nil {
			fmt.Fprintf(os.Stderr, "vcsim: %v\n", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "%s is neither vcsim nor govc: call this program by one of those names\n", name)
		os.Exit(2)
	}
}

// simulate runs a vCenter until a signal ends it. What it holds is in memory; files of its datastores lie in TMPDIR.
func simulate() error {
	model := simulator.VPX()
	listen := flag.String("l", "127.0.0.1:0", "Address to listen on")
	user := flag.String("username", "user", "Name that may log in")
	passwordFile := flag.String("password-file", "", "File with the password: a command line is no place for it")
	certificate := flag.String("tlscert", "", "File with the certificate, PEM; without it one is made up")
	key := flag.String("tlskey", "", "File with the certificate's key, PEM")
	flag.BoolVar(&model.Autostart, "autostart", model.Autostart, "Power on the machines made at the start")
	flag.IntVar(&model.Datacenter, "dc", model.Datacenter, "Number of datacenters")
	flag.IntVar(&model.Cluster, "cluster", model.Cluster, "Number of clusters in each datacenter")
	flag.IntVar(&model.ClusterHost, "host", model.ClusterHost, "Number of hosts in each cluster")
	flag.IntVar(&model.Host, "standalone-host", model.Host, "Number of hosts outside a cluster")
	flag.IntVar(&model.Datastore, "ds", model.Datastore, "Number of datastores in each datacenter")
	flag.IntVar(&model.Machine, "vm", model.Machine, "Number of machines in each resource pool")
	flag.IntVar(&model.Pool, "pool", model.Pool, "Number of resource pools in each cluster")
	flag.IntVar(&model.Portgroup, "pg", model.Portgroup, "Number of distributed port groups in each datacenter")
	flag.Parse()

	password, err := os.ReadFile(*passwordFile)
	if err != nil {
		return fmt.Errorf("-password-file: %w", err)
	}
	defer model.Remove()
	if err := model.Create(); err != nil {
		return err
	}
	model.Service.Listen = &url.URL{
		Host: *listen,
		User: url.UserPassword(*user, strings.TrimSpace(string(password))),
	}
	model.Service.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			return err
		}
		model.Service.TLS.Certificates = []tls.Certificate{pair}
	}
	model.Service.RegisterEndpoints = true
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Printf("vcsim listens on %s\n", server.URL.Host)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return nil
}
