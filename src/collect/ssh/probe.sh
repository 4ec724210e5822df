# Prints what eider reads about this host. Writes nothing, changes nothing.
{
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
unset LANG LANGUAGE
s() { printf '\n<<<%s>>>\n' "$1"; }
limit=
timeout -s KILL 5 true 2>/dev/null && limit='timeout -s KILL 5'
notes=
s 'eider 1'
s stat; grep -E '^(cpu|btime)' /proc/stat
for f in loadavg uptime meminfo; do s "$f"; cat "/proc/$f"; done
s arc; grep -E '^(size|c_min) ' /proc/spl/kstat/zfs/arcstats
for f in net/dev diskstats; do s "$f"; cat "/proc/$f"; done
s block; ls /sys/block
s mounts; cat /proc/mounts
s boot_id; cat /proc/sys/kernel/random/boot_id
s os; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release
s uname; uname -snrm; uname -a
s cpuinfo; grep -m 1 -E '^(model name|cpu model|Model|Hardware|Processor|uarch)' /proc/cpuinfo
s hz; getconf CLK_TCK
s who; who && echo ok
s net
grep -H . /sys/class/net/*/operstate /sys/class/net/*/speed /sys/class/net/*/address \
  /sys/class/net/*/mtu /sys/class/net/*/type /sys/class/net/*/ifindex \
  /sys/class/net/*/ifalias /sys/class/net/*/flags
s passwd; cut -d: -f1,3 /etc/passwd
s df; d=$($limit df -P -k -l); r=$?
[ -n "$d" ] || [ "$r" -gt 123 ] || { d=$($limit df -P -k); r=$?; }
printf '%s\n' "$d"; notes="$notes df $r"
s dfi; d=$($limit df -P -i -l); r=$?
[ -n "$d" ] || [ "$r" -gt 123 ] || { d=$($limit df -P -i); r=$?; }
printf '%s\n' "$d"; notes="$notes dfi $r"
s ps; cat /proc/[0-9]*/stat
s pstat; grep -H -E '^(Uid|VmRSS):' /proc/[0-9]*/status
s notes; printf '%s %s\n' $notes
s end
} 2>/dev/null </dev/null
exit 0
