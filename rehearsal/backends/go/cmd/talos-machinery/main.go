// Command talos-machinery answers what the Talos provider computes, with the library that Talos itself is built on.
//
// It reads one JSON request a line and writes one JSON answer a line, until its input ends. Requests and answers hold
// secrets, so nothing is ever logged or passed as an argument. It talks to no machine.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type request struct {
	Do                string    `json:"do"`
	TalosVersion      string    `json:"talosVersion"`
	Authority         pair      `json:"authority"`
	ClusterName       string    `json:"clusterName"`
	ClusterEndpoint   string    `json:"clusterEndpoint"`
	MachineType       string    `json:"machineType"`
	KubernetesVersion string    `json:"kubernetesVersion"`
	Secrets           *machines `json:"secrets"`
	Patches           []string  `json:"patches"`
	Docs              bool      `json:"docs"`
	Examples          bool      `json:"examples"`
	Configuration     string    `json:"configuration"`
	Client            client    `json:"client"`
	Endpoints         []string  `json:"endpoints"`
	Nodes             []string  `json:"nodes"`
}

var verbs = map[string]func(*request) (any, error){
	"secrets":       newSecrets,
	"configuration": configuration,
	"patch":         patched,
	"machine":       describe,
	"talosconfig":   talosconfig,
}

func answer(line []byte) map[string]any {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return map[string]any{"error": "the request is not the JSON that this program reads"}
	}
	verb, known := verbs[asked.Do]
	if !known {
		return map[string]any{"error": fmt.Sprintf("there is no request %q", asked.Do)}
	}
	result, err := verb(&asked)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"result": result}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := answers.Encode(answer(lines.Bytes())); err != nil {
			os.Exit(1) // who asked is gone
		}
	}
}
