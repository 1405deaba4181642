package function

import "regexp"

// RuntimesHere names the runtimes that can run as a process, for people.
const RuntimesHere = "python3.x, nodejsX.x, javaX, provided.al2023 or provided.al2"

var runtimePattern = regexp.MustCompile(`^(provided\.al|go|python|nodejs|java)([0-9]+(?:\.[0-9]+)?)(?:\.x|\.al2)?$`)

// SplitRuntime cuts Lambda's identifier: python3.12 → python, 3.12; nodejs22.x → nodejs,
// 22; java8.al2 → java, 8. Both are empty for a runtime that can't run as a process.
func SplitRuntime(id string) (language, version string) {
	m := runtimePattern.FindStringSubmatch(id)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
