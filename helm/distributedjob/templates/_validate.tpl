{{/*
What no schema can say of values: that one would be ignored, or contradicts another. Each
message names the value and what to write instead. The first template that is rendered
includes it (see validate.yaml).
*/}}
{{- define "djob.validate" -}}
{{- include "djob.validateOperator" . -}}
{{- include "djob.validateNats" . -}}
{{- include "djob.validateKeys" . -}}
{{- range $name, $pool := include "djob.pools" . | fromJson -}}
{{- include "djob.validatePool" (dict "root" $ "name" $name "pool" $pool) -}}
{{- end -}}
{{- $pools := include "djob.pools" . | fromJson -}}
{{- if not $pools -}}
{{- fail "pools: none is left, and nothing would run: name one, such as default: {}" -}}
{{- end -}}
{{- with .Values.test.pool -}}
{{- if not (hasKey $pools .) -}}
{{- fail (printf "test.pool: there is no pool %s: name one of %s" . (keys $pools | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "djob.validateOperator" -}}
{{- $lease := .Values.operator.lease -}}
{{- if ge (float64 $lease.renewDeadlineSeconds) (float64 $lease.durationSeconds) -}}
{{- fail (printf "operator.lease.renewDeadlineSeconds: %v is not below durationSeconds, %v: a leader would go on after its Lease was taken over; lower it" $lease.renewDeadlineSeconds $lease.durationSeconds) -}}
{{- end -}}
{{- if le (float64 $lease.renewDeadlineSeconds) (mulf 1.2 (float64 $lease.retryPeriodSeconds)) -}}
{{- fail (printf "operator.lease.retryPeriodSeconds: 1.2 times %v is not below renewDeadlineSeconds, %v: a leader would have no second attempt; lower it" $lease.retryPeriodSeconds $lease.renewDeadlineSeconds) -}}
{{- end -}}
{{- range $path, $image := dict "operator.image" .Values.operator.image "worker.image" .Values.worker.image "nats.image" .Values.nats.image -}}
{{- if not $image.repository -}}
{{- fail (printf "%s.repository: it is empty: name the image" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "djob.validateNats" -}}
{{- $nats := .Values.nats -}}
{{- $url := $nats.external.url -}}
{{- if and $nats.enabled $url -}}
{{- fail "nats.external.url: it is ignored while the chart brings a server of its own: set nats.enabled to false, or leave the URL out" -}}
{{- end -}}
{{- if not (or $nats.enabled $url) -}}
{{- fail "nats.external.url: name a NATS server, or set nats.enabled" -}}
{{- end -}}
{{- $tls := $nats.tls -}}
{{- if and (not $tls.enabled) (or $tls.secretName $tls.issuerRef) -}}
{{- fail "nats.tls.enabled: secretName and issuerRef are ignored without it: set it to true, or leave them out" -}}
{{- end -}}
{{- if and $tls.secretName $tls.issuerRef -}}
{{- fail "nats.tls.issuerRef: it is ignored beside secretName: leave one of them out" -}}
{{- end -}}
{{- if and $tls.enabled $nats.enabled (not (or $tls.secretName $tls.issuerRef.name)) -}}
{{- fail "nats.tls: name a Secret in secretName, or cert-manager's issuer in issuerRef.name" -}}
{{- end -}}
{{- if and $tls.enabled $url (not $tls.secretName) -}}
{{- fail "nats.tls.secretName: name the Secret whose ca.crt proves the external server" -}}
{{- end -}}
{{- if and $tls.enabled $url (not (hasPrefix "tls://" $url)) -}}
{{- fail "nats.external.url: nats.tls.enabled asks for encryption, and the URL does not: begin it with tls://" -}}
{{- end -}}
{{- end -}}

{{/* Every password has a user, and every user one password. */}}
{{- define "djob.validateKeys" -}}
{{- $auth := .Values.nats.auth -}}
{{- $names := list "operator" "route" -}}
{{- range $pool, $_ := include "djob.pools" . | fromJson -}}
{{- $names = append $names (printf "pool-%s" $pool) -}}
{{- end -}}
{{- range $name, $_ := $auth.passwords -}}
{{- if not (has $name $names) -}}
{{- fail (printf "nats.auth.passwords.%s: nobody is called so: the keys are %s" $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- if and $auth.existingSecret $auth.passwords -}}
{{- fail "nats.auth.passwords: they are ignored beside existingSecret: put them into that Secret, or leave it out" -}}
{{- end -}}
{{- if not (or .Values.nats.enabled $auth.existingSecret) -}}
{{- range $name := without $names "route" -}}
{{- if not (hasKey $auth.passwords $name) -}}
{{- fail (printf "nats.auth: the external server knows the password of %s, and the chart cannot draw it: name the Secret that has it in existingSecret, or set passwords.%s" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

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
{{- include "djob.validateVolumes" . -}}
{{- include "djob.validateEgress" . -}}
{{- end -}}

{{- define "djob.validateVolumes" -}}
{{- $name := .name -}}
{{- $own := list "key" "ca" "state" "tmp" "agent" -}}
{{- $known := list -}}
{{- range $volume := .pool.volumes -}}
{{- if not $volume.name -}}
{{- fail (printf "pools.%s.volumes: one has no name: give it one" $name) -}}
{{- end -}}
{{- $known = append $known $volume.name -}}
{{- if has $volume.name $own -}}
{{- fail (printf "pools.%s.volumes: %s is the name of a volume of the worker's own: call it otherwise" $name $volume.name) -}}
{{- end -}}
{{- if hasKey $volume "hostPath" -}}
{{- fail (printf "pools.%s.volumes: %s is a hostPath, which opens the node to every task, and which PodSecurity restricted forbids: use a persistentVolumeClaim, or a local PersistentVolume" $name $volume.name) -}}
{{- end -}}
{{- end -}}
{{- range $mount := .pool.volumeMounts -}}
{{- if not (has $mount.name $known) -}}
{{- fail (printf "pools.%s.volumeMounts: there is no volume %v: name one of the pool's volumes" $name $mount.name) -}}
{{- end -}}
{{- $path := printf "%s/" (default "" $mount.mountPath | trimSuffix "/") -}}
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
{{- if not (hasKey . "except") -}}
{{- if eq .cidr "0.0.0.0/0" -}}
{{- fail (printf "pools.%s.egress: 0.0.0.0/0 has the cloud's metadata service in it: add except: [169.254.169.254/32], or except: [] if tasks are to reach it" $name) -}}
{{- else if eq .cidr "::/0" -}}
{{- fail (printf "pools.%s.egress: ::/0 has the cloud's metadata service in it: add except: [\"fd00:ec2::254/128\"], or except: [] if tasks are to reach it" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
