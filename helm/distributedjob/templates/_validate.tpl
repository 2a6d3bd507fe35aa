{{/*
What no schema can say of values: that one would be ignored, contradicts another, or would be
refused by Kubernetes when half of the chart is installed. Each message names the value and
what to write instead. The first template that is rendered includes it (see validate.yaml).
*/}}
{{- define "djob.validate" -}}
{{- include "djob.validateName" . -}}
{{- include "djob.validateLabels" . -}}
{{- include "djob.validateOperator" . -}}
{{- include "djob.validateNats" . -}}
{{- include "djob.validateKeys" . -}}
{{- include "djob.validateJournal" . -}}
{{- include "djob.validateMetrics" . -}}
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

{{/* Services have it in their names, which take less than a release's does. */}}
{{- define "djob.validateName" -}}
{{- $name := include "djob.fullname" . -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "fullnameOverride: the objects would be called %s, and a Service's name begins with a letter and has no dot: set it to one that does, or rename the release" $name) -}}
{{- end -}}
{{- end -}}

{{/* A label that the chart sets itself would stand there twice, or select other pods. */}}
{{- define "djob.validateLabels" -}}
{{- $ofPods := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "distributedjob.dev/pool" -}}
{{- $ofObjects := concat $ofPods (list "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "app.kubernetes.io/part-of" "helm.sh/chart") -}}
{{- $given := dict "commonLabels" .Values.commonLabels -}}
{{- range $kind, $settings := omit .Values.metrics "perJob" "workers" -}}
{{- $_ := set $given (printf "metrics.%s.labels" $kind) $settings.labels -}}
{{- end -}}
{{- range $path, $labels := $given -}}
{{- include "djob.refuseLabels" (dict "path" $path "labels" $labels "own" $ofObjects) -}}
{{- end -}}
{{- $given = dict "operator.podLabels" .Values.operator.podLabels "nats.podLabels" .Values.nats.podLabels -}}
{{- range $name, $pool := include "djob.pools" . | fromJson -}}
{{- $_ := set $given (printf "pools.%s.podLabels" $name) $pool.podLabels -}}
{{- end -}}
{{- range $path, $labels := $given -}}
{{- include "djob.refuseLabels" (dict "path" $path "labels" $labels "own" $ofPods) -}}
{{- end -}}
{{- end -}}

{{- define "djob.refuseLabels" -}}
{{- $given := . -}}
{{- range $label, $_ := .labels -}}
{{- if has $label $given.own -}}
{{- fail (printf "%s: %s is a label of the chart's own: leave it out" $given.path $label) -}}
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
{{- $operator := .Values.operator -}}
{{- if lt (float64 $operator.silenceSeconds) (mulf 3 (float64 $operator.reportSeconds)) -}}
{{- fail (printf "operator.silenceSeconds: %v is below 3 times reportSeconds, %v: a busy worker would be given up between two reports; raise it" $operator.silenceSeconds $operator.reportSeconds) -}}
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
{{- if gt (include "djob.natsPort" . | int) 65535 -}}
{{- fail (printf "nats.external.url: there is no port %s: the last is 65535" (include "djob.natsPort" .)) -}}
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

{{- define "djob.validateJournal" -}}
{{- $size := .Values.nats.storage.size -}}
{{- $max := .Values.journal.maxBytes -}}
{{- if and .Values.journal.enabled .Values.nats.enabled (gt (include "djob.bytes" $max | int64) (include "djob.natsBytes" . | int64)) -}}
{{- fail (printf "journal.maxBytes: %s is more than nine tenths of nats.storage.size, %s: lower it, or raise that" $max $size) -}}
{{- end -}}
{{- end -}}

{{- define "djob.validateMetrics" -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.workerMonitor.enabled (not $metrics.workers.port) -}}
{{- fail "metrics.workerMonitor.enabled: workers serve nothing to be scraped while metrics.workers.port is 0: give them a port, or leave it out" -}}
{{- end -}}
{{- if and $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled -}}
{{- fail "metrics.podMonitor.enabled: beside serviceMonitor each operator is scraped twice, and every sum is too high: leave one of them out" -}}
{{- end -}}
{{- end -}}
