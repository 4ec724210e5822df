/*---
title: {en: Busiest CPUs, zh-CN: CPU 使用率最高的主机}
description:
  en: Mean, 95th percentile and maximum of CPU use per host, all CPUs together; waiting for disks counts as idle.
  zh-CN: 各主机 CPU 使用率的平均值、95 百分位和最大值（所有 CPU 合计；等待磁盘算作空闲）。
tags: [cpu]
range: now-24h
params:
  top: {type: int, default: 20, min: 1, max: 1000, title: {en: Rows, zh-CN: 行数}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  mean_pct: {unit: "%", digits: 1, bar: true, warn: 70, crit: 90, title: {en: Mean, zh-CN: 平均}}
  p95_pct: {unit: "%", digits: 1, warn: 80, crit: 95, title: {en: 95th percentile, zh-CN: 95 百分位}}
  max_pct: {unit: "%", digits: 1, title: {en: Maximum, zh-CN: 最大}}
  iowait_pct: {unit: "%", digits: 1, title: {en: Waiting for disks, zh-CN: 等待磁盘}}
  steal_pct: {unit: "%", digits: 1, title: {en: Taken by the hypervisor, zh-CN: 被虚拟化占用}}
  cores: {title: {en: CPUs, zh-CN: CPU 数}}
  load1_per_core: {digits: 2, title: {en: Load per CPU, zh-CN: 每 CPU 负载}}
chart: {type: bar, x: host, y: [mean_pct, p95_pct]}
---*/
WITH c AS (
  SELECT host, avg(used_pct) AS mean_pct, quantile_cont(used_pct, 0.95) AS p95_pct, max(used_pct) AS max_pct,
         avg(iowait_pct) AS iowait_pct, avg(steal_pct) AS steal_pct, max_by(cores, ts) AS cores
  FROM cpu
  WHERE ts >= $from AND ts < $to AND used_pct IS NOT NULL
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  GROUP BY host
),
l AS (
  SELECT host, avg(load1) AS load1 FROM system WHERE ts >= $from AND ts < $to GROUP BY host
)
SELECT c.host, round(mean_pct, 2) AS mean_pct, round(p95_pct, 2) AS p95_pct, max_pct,
       round(iowait_pct, 2) AS iowait_pct, round(steal_pct, 2) AS steal_pct, cores,
       round(l.load1 / nullif(cores, 0), 2) AS load1_per_core
FROM c LEFT JOIN l USING (host)
ORDER BY c.mean_pct DESC, c.host
LIMIT $top
