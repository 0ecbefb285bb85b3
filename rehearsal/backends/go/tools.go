//go:build tools

// Package tools names what this module builds besides its own commands, so that `go mod tidy` keeps it.
package tools

import (
	_ "github.com/siderolabs/talos/pkg/machinery/config/generate"
	_ "github.com/siderolabs/talos/pkg/machinery/config/validation"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	_ "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	_ "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)
