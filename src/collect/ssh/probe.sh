# Prints what eider reads about this host. Writes nothing, changes nothing.
{
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
unset LANG LANGUAGE
# The parts that are not asked for at every poll; a copy of this file prints all of them.
due=${eider_due-ps fs units sensor hw}
notes=
r=0
s() { printf '\n<<<%s>>>\n' "$1"; }
is() { case " $due " in *" $1 "*) return 0 ;; esac; return 1; }
# Runs one command for about 5 seconds at most and notes how it ended. What hangs is killed and not
# waited for: a dead mount costs its section and nothing else.
l() {
  n=$1; shift
  "$@" &
  p=$!
  for d in 0.01 0.03 0.06 0.1 0.3 0.5 1 1 1 1; do
    kill -0 "$p" || break
    sleep "$d" || sleep 1
  done
  if kill -9 "$p"; then r=137; else wait "$p"; r=$?; fi
  notes="$notes $n $r"
}
s 'eider 1'
s clock; date +%s.%N
s stat; grep -E '^(cpu|btime)' /proc/stat
for f in loadavg uptime meminfo; do s "$f"; cat "/proc/$f"; done
s arc; grep -E '^(size|c_min) ' /proc/spl/kstat/zfs/arcstats
c=/sys/fs/cgroup
s cgroup; grep -H -E '^[0-9]+$|^(total_)?inactive_file ' $c/memory.max $c/memory.current $c/memory.stat \
  $c/memory/memory.limit_in_bytes $c/memory/memory.usage_in_bytes $c/memory/memory.stat
for f in net/dev diskstats; do s "$f"; cat "/proc/$f"; done
s block; ls /sys/block
if is fs; then s mounts; cat /proc/mounts; fi
s boot_id; cat /proc/sys/kernel/random/boot_id
s reboot
if [ -e /var/run/reboot-required ]; then echo 1; elif [ -e /etc/debian_version ]; then echo 0; fi
if is hw; then
  s os; cat /etc/os-release || cat /usr/lib/os-release || cat /etc/redhat-release
  s uname; uname -snrm; uname -a
  s cpuinfo; grep -m 1 -E '^(model name|cpu model|Model|Hardware|Processor|uarch)' /proc/cpuinfo
  i=/sys/class/dmi/id
  s dmi; grep -H . $i/sys_vendor $i/product_name $i/product_serial /proc/device-tree/model /proc/device-tree/serial-number
fi
s hz; getconf CLK_TCK
s who; l who who
s net
l net grep -H . /sys/class/net/*/operstate /sys/class/net/*/speed /sys/class/net/*/address \
  /sys/class/net/*/mtu /sys/class/net/*/type /sys/class/net/*/ifindex \
  /sys/class/net/*/ifalias /sys/class/net/*/flags
if is sensor; then
  f=/proc/net/tcp; [ -r /proc/net/tcp6 ] && f="$f /proc/net/tcp6"
  s tcp; l tcp awk 'FNR > 1 { n[$4]++ } END { for (k in n) print k, n[k] }' $f
  s mdstat; cat /proc/mdstat
  h=/sys/class/hwmon
  s sensor; l sensor grep -H . $h/*/name $h/*/temp[0-9]*_* $h/*/fan[0-9]*_* $h/*/in[0-9]*_* $h/*/curr[0-9]*_* \
    $h/*/power[0-9]*_* $h/*/humidity[0-9]*_* $h/*/device/name $h/*/device/temp[0-9]*_* \
    $h/*/device/fan[0-9]*_* $h/*/device/in[0-9]*_* /sys/class/thermal/thermal_zone*/type /sys/class/thermal/thermal_zone*/temp
fi
if is units; then
  s units
  [ -d /run/systemd/system ] && l units systemctl list-units --all --type=service --no-legend --no-pager --plain --full
fi
if is ps; then s passwd; cut -d: -f1,3 /etc/passwd; fi
if is fs; then
  o=-l; df -P -k -l / >/dev/null || o=
  s df; l df df -P -k $o
  s dfi; l dfi df -P -i $o
fi
if is ps; then
  s ps; l ps cat /proc/[0-9]*/stat
  s pstat; l pstat grep -H -E '^(Uid|VmRSS):' /proc/[0-9]*/status
fi
s notes; printf '%s %s\n' $notes
s end
} 2>/dev/null </dev/null
exit 0
