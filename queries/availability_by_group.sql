/*---
title: {en: Availability by group, zh-CN: 分组可用率}
description:
  en: What was promised and what was kept, group by group. The share of the known time of all its hosts together in which they answered; planned downtime counts neither way.
  zh-CN: 各分组承诺的可用率及实际达成情况：组内全部主机已知时间之和中可访问的占比；计划停机时间不计入。
tags: [availability, sla]
range: now-1M/M to now/M
params:
  promised: {type: float, default: 99.9, min: 0, max: 100, unit: "%", title: {en: Promised, zh-CN: 承诺可用率}}
columns:
  group_name: {link: "/q/availability?group={group_name}&from={$from}&to={$to}", title: {en: Group, zh-CN: 分组}}
  available_pct: {unit: "%", digits: 3, bar: true, warn: 99.9, crit: 99, title: {en: Available, zh-CN: 可用率}}
  kept: {title: {en: Promise kept, zh-CN: 是否达标}}
  hosts: {title: {en: Hosts, zh-CN: 主机数}}
  hosts_below: {warn: 1, title: {en: Hosts below, zh-CN: 未达标主机}}
  worst_host: {link: "/hosts/{worst_host}", title: {en: Worst host, zh-CN: 最差主机}}
  worst_pct: {unit: "%", digits: 3, warn: 99.9, crit: 99, title: {en: Its availability, zh-CN: 其可用率}}
  down_s: {unit: s, title: {en: "Down, all hosts together", zh-CN: 不可用时长合计}}
  planned_s: {unit: s, title: {en: Planned downtime, zh-CN: 计划停机}}
chart: {type: bar, x: group_name, y: available_pct}
---*/
-- Every poll, and when the same way to the same host was tried next.
WITH p AS (
  SELECT host, target, ok, epoch(ts) AS ts,
         lead(epoch(ts)) OVER (PARTITION BY host, target ORDER BY ts) AS next_ts
  FROM poll
  WHERE ts >= $from AND ts < $to
),
gap AS (
  SELECT host, target, median(next_ts - ts) AS usual_s FROM p GROUP BY host, target
),
-- From each poll to the next one of the same kind; at a hole, or at the end, one usual interval.
span AS (
  SELECT p.host, p.ok, p.ts AS a,
         least(CASE WHEN p.next_ts - p.ts <= 2.5 * gap.usual_s THEN p.next_ts
                    ELSE p.ts + coalesce(gap.usual_s, 0) END, epoch($to)) AS b
  FROM p JOIN gap USING (host, target)
),
planned AS (
  SELECT host, epoch(greatest(from_ts, $from)) AS a, epoch(least(coalesce(to_ts, $to), $to)) AS b
  FROM downtime
  WHERE from_ts < $to AND coalesce(to_ts, $to) > $from
),
-- Planned downtime lies in all three, so that it cancels out of their differences.
covered AS (
  SELECT host, 'up' AS what, a, b FROM span WHERE ok
  UNION ALL SELECT host, 'known', a, b FROM span
  UNION ALL SELECT host, unnest(['up', 'known', 'planned']), a, b FROM planned
),
-- The length of a union of spans: each adds what reaches beyond all that began before it.
added AS (
  SELECT host, what,
         greatest(0, b - greatest(a, coalesce(max(b) OVER (
           PARTITION BY host, what ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), a))) AS s
  FROM covered
),
total AS (
  SELECT host,
         coalesce(sum(s) FILTER (what = 'planned'), 0) AS planned_s,
         coalesce(sum(s) FILTER (what = 'up'), 0) - planned_s AS up_s,
         sum(s) FILTER (what = 'known') - planned_s AS known_s
  FROM added GROUP BY host
)
SELECT g.group_name,
       -- Rounded down: 100 is said of 100 only.
       floor(100000.0 * sum(t.up_s) / nullif(sum(t.known_s), 0)) / 1000 AS available_pct,
       CASE WHEN available_pct IS NOT NULL
            THEN CASE WHEN 100.0 * sum(t.up_s) >= $promised * sum(t.known_s) THEN 'yes' ELSE 'no' END END AS kept,
       count(*) AS hosts,
       count(*) FILTER (100.0 * t.up_s < $promised * t.known_s) AS hosts_below,
       arg_min(g.host, t.up_s / nullif(t.known_s, 0)) AS worst_host,
       floor(100000.0 * min(t.up_s / nullif(t.known_s, 0))) / 1000 AS worst_pct,
       round(sum(t.known_s - t.up_s))::BIGINT AS down_s,
       round(coalesce(sum(t.planned_s), 0))::BIGINT AS planned_s
FROM host_group g
JOIN host h ON h.name = g.host
LEFT JOIN total t ON t.host = g.host
WHERE h.removed_at IS NULL OR t.known_s IS NOT NULL
GROUP BY g.group_name
ORDER BY available_pct NULLS LAST, g.group_name
