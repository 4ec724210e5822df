/*---
title: {en: Memory pressure, zh-CN: 内存压力}
description:
  en: Hosts by the share of memory that programs cannot get any more; caches that the kernel gives back do not count as used.
  zh-CN: 按程序已无法再获得的内存占比排列主机；内核可随时归还的缓存不算已用。
tags: [memory]
range: now-24h
params:
  top: {type: int, default: 20, min: 1, max: 1000, title: {en: Rows, zh-CN: 行数}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  used_pct: {unit: "%", digits: 1, bar: true, warn: 85, crit: 95, title: {en: Used now, zh-CN: 当前已用}}
  mean_pct: {unit: "%", digits: 1, title: {en: Mean, zh-CN: 平均}}
  max_pct: {unit: "%", digits: 1, warn: 90, crit: 97, title: {en: Maximum, zh-CN: 最大}}
  least_available_bytes: {unit: B, title: {en: Least available, zh-CN: 最少可用}}
  total_bytes: {unit: B, title: {en: Memory, zh-CN: 内存}}
  swap_used_pct: {unit: "%", digits: 1, warn: 50, crit: 80, title: {en: Swap used now, zh-CN: 当前交换区}}
  swap_grown_bytes: {unit: B, title: {en: Swap grown by, zh-CN: 交换区增长}}
chart: {type: bar, x: host, y: [mean_pct, max_pct]}
---*/
SELECT host,
       max_by(used_pct, ts) AS used_pct,
       round(avg(used_pct), 2) AS mean_pct,
       max(used_pct) AS max_pct,
       min(available_bytes) AS least_available_bytes,
       max_by(total_bytes, ts) AS total_bytes,
       max_by(swap_used_pct, ts) AS swap_used_pct,
       max_by(swap_used_bytes, ts) - min_by(swap_used_bytes, ts) AS swap_grown_bytes
FROM memory
WHERE ts >= $from AND ts < $to AND used_pct IS NOT NULL
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host
ORDER BY max_pct DESC, host
LIMIT $top
