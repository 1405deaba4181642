package kafka

import "slices"

// KnowsClientSetting says whether a setting of Kafka's clients has its place.
func KnowsClientSetting(name string) bool {
	_, ignored := ignoredSettings()[name]
	_, refused := refusedSettings()[name]
	return ignored || refused || slices.Contains(connectionSettings(), name)
}
