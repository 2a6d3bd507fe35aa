{{/* The prefix of all names; also the Lease's. */}}
{{- define "djob.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that select pods: dict "root" $ "component" NAME. */}}
{{- define "djob.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* All labels of an object: dict "root" $ "component" NAME. */}}
{{- define "djob.labels" -}}
{{ include "djob.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: distributedjob
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image by digest or tag: dict "image" IMAGE "tag" DEFAULT. */}}
{{- define "djob.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ required (printf "set the tag or the digest of the image %s" .image.repository) (default .tag .image.tag) }}
{{- end -}}
{{- end -}}

{{/* What every container may do: nothing. */}}
{{- define "djob.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end -}}

{{/* Whose pod it is: the number of the user. */}}
{{- define "djob.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Every pool with its defaults filled in, as JSON by name. */}}
{{- define "djob.pools" -}}
{{- $pools := dict -}}
{{- range $name, $pool := .Values.pools -}}
{{- if not (kindIs "invalid" $pool) -}}
{{- $_ := set $pools $name (mergeOverwrite (deepCopy ($.Values.poolDefaults | default dict)) (deepCopy $pool)) -}}
{{- end -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}

{{/* The namespaces that some pool serves, as a JSON list. */}}
{{- define "djob.namespaces" -}}
{{- $names := list -}}
{{- range $pool := include "djob.pools" . | fromJson -}}
{{- $names = concat $names (default (list $.Release.Namespace) $pool.namespaces) -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Whose jobs each pool runs, as the operator reads it. */}}
{{- define "djob.served" -}}
{{- $entries := list -}}
{{- $own := ternary "*" .Release.Namespace .Values.operator.allNamespaces -}}
{{- range $name, $pool := include "djob.pools" . | fromJson -}}
{{- $entries = append $entries (printf "%s=%s" $name (default (list $own) $pool.namespaces | join ",")) -}}
{{- end -}}
{{- join ";" $entries -}}
{{- end -}}

{{/* The installation's name as one subject token (distributedjob_api.subjects). */}}
{{- define "djob.token" -}}
{{ .Release.Namespace }}_2f{{ include "djob.fullname" . | replace "." "_2e" }}
{{- end -}}

{{- define "djob.natsScheme" -}}
{{ ternary "tls" "nats" .Values.nats.tls.enabled }}
{{- end -}}

{{- define "djob.natsUrl" -}}
{{- if .Values.nats.enabled -}}
{{ include "djob.natsScheme" . }}://{{ include "djob.fullname" . }}-nats.{{ .Release.Namespace }}.svc:4222
{{- else -}}
{{ .Values.nats.external.url }}
{{- end -}}
{{- end -}}

{{/* The port of an external NATS. */}}
{{- define "djob.natsPort" -}}
{{ regexFind ":[0-9]+/?$" .Values.nats.external.url | trimAll ":/" | default "4222" }}
{{- end -}}

{{- define "djob.keysSecret" -}}
{{ default (printf "%s-nats-keys" (include "djob.fullname" .)) .Values.nats.auth.existingSecret }}
{{- end -}}

{{- define "djob.tlsSecret" -}}
{{ default (printf "%s-nats-tls" (include "djob.fullname" .)) .Values.nats.tls.secretName }}
{{- end -}}

{{/* How a client finds NATS: dict "root" $ "user" USER. */}}
{{- define "djob.natsEnv" -}}
- name: DJOB_NATS_URL
  value: {{ include "djob.natsUrl" .root | quote }}
- name: DJOB_NATS_USER
  value: {{ .user | quote }}
- name: DJOB_NATS_PASSWORD_FILE
  value: /etc/djob/key/password
{{- if .root.Values.nats.tls.enabled }}
- name: SSL_CERT_FILE
  value: /etc/djob/ca/ca.crt
{{- end }}
{{- end -}}

{{- define "djob.natsMounts" -}}
- name: key
  mountPath: /etc/djob/key
  readOnly: true
{{- if .Values.nats.tls.enabled }}
- name: ca
  mountPath: /etc/djob/ca
  readOnly: true
{{- end }}
{{- end -}}

{{/* Volumes of a client of NATS: dict "root" $ "key" KEY. */}}
{{- define "djob.natsVolumes" -}}
- name: key
  secret:
    secretName: {{ include "djob.keysSecret" .root }}
    defaultMode: 0440
    items:
      - {key: {{ .key }}, path: password}
{{- if .root.Values.nats.tls.enabled }}
- name: ca
  secret:
    secretName: {{ include "djob.tlsSecret" .root }}
    defaultMode: 0444
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}
{{- end -}}

{{/* Pods of one kind rather on different nodes: dict "root" $ "component" NAME. */}}
{{- define "djob.spread" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "djob.selector" . | nindent 12 }}
{{- end -}}

{{/* The command that runs the agent out of its tree. */}}
{{- define "djob.agent" -}}
- /opt/djob/bin/tini
- --
- /opt/djob/lib/ld.so
- --library-path
- /opt/djob/lib
- --argv0
- /opt/djob/bin/python3
- /opt/djob/bin/python3
- -I
- -B
- -u
{{- end -}}

{{/* What the operator may do to the jobs of a namespace. */}}
{{- define "djob.jobRules" -}}
- apiGroups: [distributedjob.dev]
  resources: [distributedjobs]
  verbs: [get, list, watch, delete]
- apiGroups: [distributedjob.dev]
  resources: [distributedjobs/status]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* The way to the API server, as egress rules. */}}
{{- define "djob.apiEgress" -}}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The way to NATS, as egress rules. */}}
{{- define "djob.natsEgress" -}}
{{- if .Values.nats.enabled -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "djob.selector" (dict "root" . "component" "nats") | nindent 10 }}
  ports:
    - {port: 4222, protocol: TCP}
{{- else -}}
- ports:
    - port: {{ include "djob.natsPort" . }}
      protocol: TCP
  {{- with .Values.networkPolicy.nats.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* The names of the variables that tasks of a pool get from its container. */}}
{{- define "djob.taskEnv" -}}
{{- $names := list "PATH" -}}
{{- range .env -}}{{- $names = append $names .name -}}{{- end -}}
{{- uniq $names | join "," -}}
{{- end -}}
