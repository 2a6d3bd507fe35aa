{{/* The server's configuration but for the passwords, which an init container adds. */}}
{{- define "djob.natsConfig" -}}
{{- $base := printf "djob.v1.%s" (include "djob.token" .) -}}
{{- $stream := printf "DJOB_%s" (include "djob.token" .) -}}
{{- $operator := dict
  "publish" (list
    (printf "%s.announce" $base)
    (printf "%s.*.worker.*" $base)
    (printf "$JS.API.STREAM.INFO.%s" $stream)
    (printf "$JS.API.STREAM.CREATE.%s" $stream)
    (printf "$JS.API.STREAM.UPDATE.%s" $stream)
    (printf "$JS.API.STREAM.PURGE.%s" $stream)
    (printf "$JS.API.CONSUMER.CREATE.%s" $stream)
    (printf "$JS.API.CONSUMER.CREATE.%s.>" $stream)
    (printf "$JS.API.CONSUMER.DELETE.%s.*" $stream)
    (printf "$JS.API.CONSUMER.MSG.NEXT.%s.*" $stream)
    (printf "$JS.API.DIRECT.GET.%s" $stream)
    (printf "$JS.API.DIRECT.GET.%s.>" $stream)
    (printf "$JS.ACK.%s.>" $stream)
    (printf "$JS.ACK.*.*.%s.>" $stream))
  "subscribe" (list (printf "%s.*.leader.*" $base) "_INBOX_operator.>") -}}
{{- $users := list (dict "user" "operator" "permissions" $operator) -}}
{{- range $name, $_ := include "djob.pools" . | fromJson -}}
{{- $pool := dict
  "publish" (list (printf "%s.%s.leader.*" $base $name) (printf "%s.%s.journal.*" $base $name))
  "subscribe" (list
    (printf "%s.announce" $base)
    (printf "%s.%s.worker.*" $base $name)
    (printf "_INBOX_worker.%s.>" $name)) -}}
{{- $users = append $users (dict "user" (printf "pool-%s" $name) "permissions" $pool) -}}
{{- end -}}
{{- $tls := dict "cert_file" "/etc/nats/tls/tls.crt" "key_file" "/etc/nats/tls/tls.key" "ca_file" "/etc/nats/tls/ca.crt" -}}
{{- $config := dict
  "listen" "0.0.0.0:4222"
  "http" "0.0.0.0:8222"
  "max_payload" 8388608
  "jetstream" (dict "store_dir" "/data" "max_file_store" (include "djob.natsBytes" . | int64) "max_memory_store" 67108864)
  "authorization" (dict "users" $users) -}}
{{- if .Values.nats.tls.enabled }}{{ $_ := set $config "tls" $tls }}{{ end -}}
{{- if gt (int .Values.nats.replicas) 1 -}}
{{- $host := printf "%s-nats" (include "djob.fullname" .) -}}
{{- $routes := list -}}
{{- range $number := until (int .Values.nats.replicas) -}}
{{- $routes = append $routes (printf "nats://%s-%d.%s-headless.%s.svc:6222" $host $number $host $.Release.Namespace) -}}
{{- end -}}
{{- $cluster := dict "name" (include "djob.fullname" .) "listen" "0.0.0.0:6222" "routes" $routes "authorization" (dict "user" "route") -}}
{{- if .Values.nats.tls.enabled }}{{ $_ := set $cluster "tls" $tls }}{{ end -}}
{{- $_ := set $config "cluster" $cluster -}}
{{- end -}}
{{- toPrettyJson $config | replace "\\u003e" ">" -}}
{{- end -}}

{{/* Bytes for the journal: nine tenths of the volume. */}}
{{- define "djob.natsBytes" -}}
{{- $match := regexFind "^[0-9]+(Mi|Gi|Ti)$" .Values.nats.storage.size | required "nats.storage.size: write it in Mi, Gi or Ti, such as 5Gi" -}}
{{- $unit := regexFind "[MGT]i" $match -}}
{{- $factor := get (dict "Mi" 943718 "Gi" 966367641 "Ti" 989560464998) $unit -}}
{{- mul (regexFind "^[0-9]+" $match | int64) $factor -}}
{{- end -}}

{{/* How many bytes a size in Mi, Gi or Ti is. */}}
{{- define "djob.bytes" -}}
{{- $unit := regexFind "[MGT]i" . -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get (dict "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776) $unit) -}}
{{- end -}}
