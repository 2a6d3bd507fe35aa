# A task that tells a ledger outside the system when it began and when it ended.
#
# workload.sh LEDGER SECONDS FLAKY DOOMED: every FLAKY-th index fails its first attempt,
# every DOOMED-th one all of them; 0 stands for none. The clock is the kernel's own, the
# same for every process of the machine, and read without starting a program.
ledger=$1 seconds=$2 flaky=$3 doomed=$4
job=${DJOB_UID%%-*}
read -r now rest < /proc/uptime
echo "S $job $DJOB_INDEX $DJOB_ATTEMPT $DJOB_NODE $$ $now" >> "$ledger"
[ "$seconds" = 0 ] || sleep "$seconds"
code=0
[ "$flaky" = 0 ] || [ $((DJOB_INDEX % flaky)) != 1 ] || [ "$DJOB_ATTEMPT" != 1 ] || code=3
[ "$doomed" = 0 ] || [ $((DJOB_INDEX % doomed)) != 2 ] || code=4
echo $((DJOB_INDEX * 2654435761 % 4294967296))
read -r now rest < /proc/uptime
echo "E $job $DJOB_INDEX $DJOB_ATTEMPT $DJOB_NODE $$ $now $code" >> "$ledger"
exit $code
