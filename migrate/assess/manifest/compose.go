package manifest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/workload"
)

// compose reads the services of a docker-compose file.
func compose(doc map[string]any, file string) []workload.Deployment {
	var found []workload.Deployment
	services := object(doc, "services")
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := object(services[name])
		d := workload.Deployment{Name: name, Kind: "compose service", File: file, Image: interpolated(text(s, "image")), Replicas: 1}
		if n, err := strconv.Atoi(text(s, "deploy", "replicas")); err == nil {
			d.Replicas = n
		} else if n, err := strconv.Atoi(text(s, "scale")); err == nil {
			d.Replicas = n
		}
		d.MemoryMB = max(megabytes(text(s, "mem_limit")), megabytes(text(s, "deploy", "resources", "limits", "memory")))
		d.CPU = max(cpus(text(s, "cpus")), cpus(text(s, "deploy", "resources", "limits", "cpus")))
		d.Grace = grace(text(s, "stop_grace_period"))
		env := composeEnv(s["environment"])
		if s["env_file"] != nil {
			d.Notes = append(d.Notes, "env_file is not read: give groups and topics in environment, or in the facts file")
		}
		if len(list(s, "volumes")) > 0 {
			d.Notes = append(d.Notes, "it has volumes: does it keep state?")
		}
		finish(&d, env, append(words(s["command"]), words(s["entrypoint"])...))
		found = append(found, d)
	}
	return found
}

// composeEnv reads both forms of an environment: an object, or a list of NAME=value.
func composeEnv(v any) map[string]string {
	env := map[string]string{}
	for name, value := range object(v) {
		env[name] = interpolated(scalar(value))
	}
	for _, line := range list(v) {
		name, value, _ := strings.Cut(scalar(line), "=")
		env[name] = interpolated(value)
	}
	return env
}

// interpolated puts defaults in the place of variables: ${NAME:-default}. What has no
// default stays as it is.
func interpolated(s string) string {
	return regexp.MustCompile(`\$\{(\w+):?-([^}]*)\}`).ReplaceAllString(s, "$2")
}

// words are those of a command, given as a list or as one text.
func words(v any) []string {
	var found []string
	for _, w := range list(v) {
		found = append(found, interpolated(scalar(w)))
	}
	if s, ok := v.(string); ok {
		found = strings.Fields(interpolated(s))
	}
	return found
}

func grace(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return d
}

// cpus takes 0.5 and Kubernetes's 500m.
func cpus(s string) float64 {
	digits, milli := strings.CutSuffix(s, "m")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		return 0
	}
	if milli {
		n /= 1000
	}
	return n
}

// megabytes takes the sizes of compose (512m, 1g, 1gb) and of Kubernetes (512Mi, 1Gi, 1G).
func megabytes(s string) int {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		return 0
	}
	unit := map[string]float64{"": 1.0 / (1 << 20), "k": 1.0 / 1024, "m": 1, "g": 1024, "t": 1 << 20}
	suffix := strings.ToLower(strings.TrimRight(s[len(digits):], "iIbB"))
	return int(n*unit[suffix] + 0.5)
}
