//go:build tools

// Package engine names the Go program that the rehearsal builds where no official Pulumi CLI can be had, so that
// `go mod tidy` keeps its requirements in go.mod.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
