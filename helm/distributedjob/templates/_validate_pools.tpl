{{/* One pool with its defaults: dict "root" $ "name" NAME "pool" POOL. */}}
{{- define "djob.validatePool" -}}
{{- $name := .name -}}
{{- $pool := .pool -}}
{{- range $field, $value := $pool -}}
{{- if kindIs "invalid" $value -}}
{{- fail (printf "pools.%s.%s: it is null: leave it out for the default, or give it a value" $name $field) -}}
{{- end -}}
{{- end -}}
{{- range $field := list "stateSize" "maxUnavailable" "runAsUser" "terminationGracePeriodSeconds" "logLevel" "image" "cpu" "resources" -}}
{{- if not (get $pool $field) -}}
{{- fail (printf "pools.%s.%s: it is empty, also in poolDefaults: give it a value" $name $field) -}}
{{- end -}}
{{- end -}}
{{- if and (or $pool.image.tag $pool.image.digest) (not $pool.image.repository) -}}
{{- fail (printf "pools.%s.image.repository: tag and digest are ignored without it: name the image, or set worker.image for all pools" $name) -}}
{{- end -}}
{{- if ne (len $pool.namespaces) (len (uniq $pool.namespaces)) -}}
{{- fail (printf "pools.%s.namespaces: one stands there twice: %s" $name (join ", " $pool.namespaces)) -}}
{{- end -}}
{{- include "djob.validateEnv" . -}}
{{- include "djob.validateVolumes" . -}}
{{- include "djob.validateMounts" . -}}
{{- include "djob.validateEgress" . -}}
{{- end -}}

{{- define "djob.validateEnv" -}}
{{- $name := .name -}}
{{- $own := list "CPU_MILLIS" -}}
{{- if .root.Values.nats.tls.enabled -}}
{{- $own = append $own "SSL_CERT_FILE" -}}
{{- end -}}
{{- $known := list -}}
{{- range $variable := .pool.env -}}
{{- if has $variable.name $own -}}
{{- fail (printf "pools.%s.env: %s is a variable of the worker's own: call it otherwise" $name $variable.name) -}}
{{- end -}}
{{- if has $variable.name $known -}}
{{- fail (printf "pools.%s.env: %s stands there twice: leave one of them out" $name $variable.name) -}}
{{- end -}}
{{- $known = append $known $variable.name -}}
{{- end -}}
{{- end -}}

{{- define "djob.validateVolumes" -}}
{{- $name := .name -}}
{{- $own := list "key" "ca" "state" "tmp" "agent" -}}
{{- $known := list -}}
{{- range $volume := .pool.volumes -}}
{{- if not $volume.name -}}
{{- fail (printf "pools.%s.volumes: one has no name: give it one" $name) -}}
{{- end -}}
{{- if has $volume.name $known -}}
{{- fail (printf "pools.%s.volumes: %s stands there twice: leave one of them out" $name $volume.name) -}}
{{- end -}}
{{- $known = append $known $volume.name -}}
{{- if has $volume.name $own -}}
{{- fail (printf "pools.%s.volumes: %s is the name of a volume of the worker's own: call it otherwise" $name $volume.name) -}}
{{- end -}}
{{- if hasKey $volume "hostPath" -}}
{{- fail (printf "pools.%s.volumes: %s is a hostPath, which opens the node to every task, and which PodSecurity restricted forbids: use a persistentVolumeClaim, or a local PersistentVolume" $name $volume.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "djob.validateMounts" -}}
{{- $name := .name -}}
{{- $known := list -}}
{{- range .pool.volumes }}{{ $known = append $known .name }}{{ end -}}
{{- $paths := list "/tmp/" -}}
{{- range $mount := .pool.volumeMounts -}}
{{- if not (has $mount.name $known) -}}
{{- fail (printf "pools.%s.volumeMounts: there is no volume %v: name one of the pool's volumes" $name $mount.name) -}}
{{- end -}}
{{- $path := printf "%s/" ($mount.mountPath | trimSuffix "/") -}}
{{- if has $path $paths -}}
{{- fail (printf "pools.%s.volumeMounts: something is mounted at %s already: mount it elsewhere" $name $mount.mountPath) -}}
{{- end -}}
{{- $paths = append $paths $path -}}
{{- range $taken := list "/opt/djob/" "/var/lib/djob/" "/etc/djob/" -}}
{{- if or (hasPrefix $taken $path) (hasPrefix $path $taken) -}}
{{- fail (printf "pools.%s.volumeMounts: %s hides %s, which is the agent's: mount it elsewhere" $name $mount.mountPath $taken) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Where a task may go, the cloud's metadata service, which hands out the node's own credentials,
is only there if somebody says so.
*/}}
{{- define "djob.validateEgress" -}}
{{- $name := .name -}}
{{- range $rule := .pool.egress -}}
{{- if not $rule.to -}}
{{- fail (printf "pools.%s.egress: a rule without to opens everything, the cloud's metadata service (169.254.169.254) included: write to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]" $name) -}}
{{- end -}}
{{- range $peer := $rule.to -}}
{{- with $peer.ipBlock -}}
{{- $service := include "djob.metadataWithin" .cidr -}}
{{- if and $service (not (hasKey . "except")) -}}
{{- fail (printf "pools.%s.egress: %s has the cloud's metadata service in it: add except: [%s], or except: [] if tasks are to reach it" $name .cidr $service) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The address of the cloud's metadata service that a block of addresses has in it, if any. */}}
{{- define "djob.metadataWithin" -}}
{{- if contains ":" . -}}
{{- if regexMatch "^(::/0|f[cd]00::/[0-8]|fd00::/(9|1[0-9]|20)|fd00:0?ec2:.*)$" . -}}"fd00:ec2::254/128"{{- end -}}
{{- else -}}
{{- $parts := splitList "/" . -}}
{{- $address := 0 -}}
{{- range first $parts | splitList "." }}{{ $address = add (mul $address 256) (int64 .) }}{{ end -}}
{{- $size := 1 -}}
{{- range until (last $parts | int | sub 32 | int) }}{{ $size = mul $size 2 }}{{ end -}}
{{- /* 169.254.169.254 as a number. */ -}}
{{- if eq (div $address $size) (div 2852039166 $size) -}}169.254.169.254/32{{- end -}}
{{- end -}}
{{- end -}}
