# What every object of the chart keeps to; `make lint` runs it with conftest.
package main

import rego.v1

workload_kinds := {"DaemonSet", "Deployment", "StatefulSet"}

pod := input.spec.template.spec if input.kind in workload_kinds

pod := input.spec if input.kind == "Pod"

containers contains container if some container in pod.containers

containers contains container if some container in pod.initContainers

named(container, text) := sprintf("%s %s, container %s: %s", [input.kind, input.metadata.name, container.name, text])

restricted(container) if {
	container.securityContext.allowPrivilegeEscalation == false
	container.securityContext.readOnlyRootFilesystem == true
	container.securityContext.capabilities.drop == ["ALL"]
	not container.securityContext.capabilities.add
	not container.securityContext.privileged
}

deny contains named(container, "may do more than nothing to its node") if {
	some container in containers
	not restricted(container)
}

deny contains named(container, "asks for no CPU or memory") if {
	some container in containers
	not container.resources.requests.cpu
}

deny contains named(container, "asks for no CPU or memory") if {
	some container in containers
	not container.resources.requests.memory
}

deny contains named(container, "its image has no tag, or :latest") if {
	some container in containers
	not regex.match(`:[^/:]+$|@sha256:[0-9a-f]{64}$`, container.image)
}

deny contains named(container, "its image has no tag, or :latest") if {
	some container in containers
	endswith(container.image, ":latest")
}

deny contains named(container, "a secret stands in its environment") if {
	some container in containers
	some variable in container.env
	variable.valueFrom.secretKeyRef
}

deny contains sprintf("%s %s may run as root, or unconfined", [input.kind, input.metadata.name]) if {
	pod
	not confined
}

confined if {
	pod.securityContext.runAsNonRoot == true
	pod.securityContext.runAsUser > 10000
	pod.securityContext.seccompProfile.type == "RuntimeDefault"
	not pod.hostNetwork
	not pod.hostPID
	not pod.hostIPC
}

allowed_volumes := {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}

deny contains sprintf("%s %s has a volume that PodSecurity restricted forbids: %s", [input.kind, input.metadata.name, volume.name]) if {
	some volume in pod.volumes
	some kind in object.keys(volume) - {"name"}
	not kind in allowed_volumes
}

deny contains sprintf("%s %s: the volume %s may fill its node", [input.kind, input.metadata.name, volume.name]) if {
	some volume in pod.volumes
	volume.emptyDir
	not volume.emptyDir.sizeLimit
}

deny contains sprintf("%s %s walks through its whole volumes at each start", [input.kind, input.metadata.name]) if {
	pod.securityContext.fsGroup
	not pod.securityContext.fsGroupChangePolicy == "OnRootMismatch"
}

# Not every network plugin knows the names of ports.
deny contains sprintf("NetworkPolicy %s goes by the name of a port: %s", [input.metadata.name, port.port]) if {
	input.kind == "NetworkPolicy"
	some way in ["ingress", "egress"]
	some rule in input.spec[way]
	some port in rule.ports
	not is_number(port.port)
}

# Only these two speak to the API server.
deny contains sprintf("%s %s gets a token of its account", [input.kind, input.metadata.name]) if {
	pod
	not input.metadata.labels["app.kubernetes.io/component"] in {"operator", "test"}
	not pod.automountServiceAccountToken == false
}

role_kinds := {"ClusterRole", "Role"}

deny contains sprintf("%s %s grants with a wildcard", [input.kind, input.metadata.name]) if {
	input.kind in role_kinds
	some rule in input.rules
	some field in ["apiGroups", "resources", "verbs"]
	"*" in rule[field]
}

forbidden := {"secrets", "pods", "pods/exec", "pods/attach", "serviceaccounts/token", "nodes/proxy"}

deny contains sprintf("%s %s opens %s", [input.kind, input.metadata.name, resource]) if {
	input.kind in role_kinds
	some rule in input.rules
	some resource in rule.resources
	resource in forbidden
}

deny contains sprintf("%s %s can raise its own rights", [input.kind, input.metadata.name]) if {
	input.kind in role_kinds
	some rule in input.rules
	some verb in rule.verbs
	verb in {"bind", "escalate", "impersonate"}
}

deny contains sprintf("Service %s is open to the world", [input.metadata.name]) if {
	input.kind == "Service"
	input.spec.type in {"LoadBalancer", "NodePort"}
}
