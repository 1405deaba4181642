package manifest

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"gantry/workload"
)

// kubernetes is an object that may hold a pod template.
type kubernetes struct {
	doc  map[string]any
	file string
}

// pod gives the pod of an object: its own, or that of its template.
func (k kubernetes) pod() map[string]any {
	switch text(k.doc, "kind") {
	case "Pod":
		return object(k.doc, "spec")
	case "CronJob":
		return object(k.doc, "spec", "jobTemplate", "spec", "template", "spec")
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController", "DeploymentConfig", "Rollout":
		return object(k.doc, "spec", "template", "spec")
	}
	return nil
}

func (k kubernetes) deployments(configs map[string]map[string]string) []workload.Deployment {
	pod := k.pod()
	containers := items(pod, "containers")
	var found []workload.Deployment
	for _, c := range containers {
		d := workload.Deployment{Name: text(k.doc, "metadata", "name"), Kind: text(k.doc, "kind"), File: k.file, Image: text(c, "image"), Replicas: 1}
		if len(containers) > 1 {
			d.Name += "/" + text(c, "name")
		}
		if n, err := strconv.Atoi(text(k.doc, "spec", "replicas")); err == nil {
			d.Replicas = n
		}
		d.MemoryMB, d.CPU = megabytes(text(c, "resources", "limits", "memory")), cpus(text(c, "resources", "limits", "cpu"))
		if seconds, err := strconv.Atoi(text(pod, "terminationGracePeriodSeconds")); err == nil {
			d.Grace = time.Duration(seconds) * time.Second
		}
		if len(list(k.doc, "spec", "volumeClaimTemplates")) > 0 {
			d.State = "a StatefulSet with volumes of its own in " + k.file
		}
		env := k.env(c, configs, &d)
		k.mounted(pod, configs, env)
		finish(&d, env, append(words(c["command"]), words(c["args"])...))
		found = append(found, d)
	}
	return found
}

// env is a container's environment, with ConfigMaps looked up and secrets left where they are.
func (k kubernetes) env(c map[string]any, configs map[string]map[string]string, d *workload.Deployment) map[string]string {
	env := map[string]string{}
	for _, from := range items(c, "envFrom") {
		if name := text(from, "configMapRef", "name"); name != "" {
			config, ok := configs[k.namespace()+"/"+name]
			if !ok {
				d.Notes = append(d.Notes, "ConfigMap "+name+" is in none of the files")
			}
			for key, value := range config {
				env[text(from, "prefix")+key] = value
			}
		}
		if name := text(from, "secretRef", "name"); name != "" {
			d.Notes = append(d.Notes, "Secret "+name+" is not read")
		}
	}
	for _, e := range items(c, "env") {
		name := text(e, "name")
		ref := object(e, "valueFrom", "configMapKeyRef")
		switch {
		case ref != nil:
			value, ok := configs[k.namespace()+"/"+text(ref, "name")][text(ref, "key")]
			if !ok {
				d.Notes = append(d.Notes, "ConfigMap "+text(ref, "name")+" is in none of the files, or lacks "+text(ref, "key"))
			}
			env[name] = value
		case object(e, "valueFrom", "secretKeyRef") != nil:
			env[name] = masked
		default:
			env[name] = text(e, "value")
		}
	}
	return env
}

// mounted adds what files of mounted ConfigMaps say: application.properties and the like.
func (k kubernetes) mounted(pod map[string]any, configs map[string]map[string]string, env map[string]string) {
	for _, v := range items(pod, "volumes") {
		config := configs[k.namespace()+"/"+text(v, "configMap", "name")]
		for _, file := range slices.Sorted(maps.Keys(config)) {
			for key, value := range properties(config[file]) {
				if _, own := env[key]; !own {
					env[key] = value
				}
			}
		}
	}
}

func (k kubernetes) namespace() string { return text(k.doc, "metadata", "namespace") }

func fullName(doc map[string]any) string {
	return text(doc, "metadata", "namespace") + "/" + text(doc, "metadata", "name")
}
