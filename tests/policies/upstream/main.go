// Command upstream asks Kubernetes' own code what it says of pods: the code behind Pod Security Admission.
//
// It reads one pod per line as JSON, and writes one line per pod: for each level the ids of the checks that the pod
// fails, in the newest version of each check. The restricted level leaves out those that its own checks replace.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Answer is what the checks say of one pod.
type Answer struct {
	Baseline   []string `json:"baseline"`
	Restricted []string `json:"restricted"`
	// Denied are the levels that the evaluator of admission denies: the same, asked in another way.
	Denied []string `json:"denied"`
}

func main() {
	checks := policy.DefaultChecks()
	evaluator, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		fail(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		pod := corev1.Pod{}
		if err := json.Unmarshal(lines.Bytes(), &pod); err != nil {
			fail(err)
		}
		if err := out.Encode(judged(&pod, checks, evaluator)); err != nil {
			fail(err)
		}
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func judged(pod *corev1.Pod, checks []policy.Check, evaluator policy.Evaluator) Answer {
	answer := Answer{Baseline: []string{}, Restricted: []string{}, Denied: []string{}}
	replaced := map[policy.CheckID]bool{}
	for _, check := range checks {
		for _, id := range newest(check).OverrideCheckIDs {
			replaced[id] = true
		}
	}
	for _, check := range checks {
		if newest(check).CheckPod(&pod.ObjectMeta, &pod.Spec).Allowed {
			continue
		}
		if check.Level == api.LevelBaseline {
			answer.Baseline = append(answer.Baseline, string(check.ID))
		}
		if !replaced[check.ID] {
			answer.Restricted = append(answer.Restricted, string(check.ID))
		}
	}
	sort.Strings(answer.Baseline)
	sort.Strings(answer.Restricted)
	for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
		asked := api.LevelVersion{Level: level, Version: api.LatestVersion()}
		if !policy.AggregateCheckResults(evaluator.EvaluatePod(asked, &pod.ObjectMeta, &pod.Spec)).Allowed {
			answer.Denied = append(answer.Denied, string(level))
		}
	}
	return answer
}

func newest(check policy.Check) policy.VersionedCheck {
	return check.Versions[len(check.Versions)-1]
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
