/*---
title: {en: Availability of hosts, zh-CN: 主机可用率}
description:
  en: Share of the known time in which at least one way to the host answered. A poll speaks for the time up to the next one; time in which nothing was polled is unknown, not good. Planned downtime counts neither way.
  zh-CN: 在已知时间内，至少有一种方式能访问主机的时间占比。每次轮询代表到下一次轮询为止的时间；没有轮询的时间算作未知，而不是正常。计划停机时间不计入。
tags: [availability]
range: now-7d
params:
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  available_pct: {unit: "%", digits: 3, bar: true, warn: 99.9, crit: 99, title: {en: Available, zh-CN: 可用率}}
  down_s: {unit: s, title: {en: Down, zh-CN: 不可用时长}}
  planned_s: {unit: s, title: {en: Planned downtime, zh-CN: 计划停机}}
  unknown_s: {unit: s, title: {en: Unknown, zh-CN: 未知时长}}
  polls: {title: {en: Polls, zh-CN: 轮询次数}}
  failed_polls: {title: {en: Failed polls, zh-CN: 失败次数}, link: "/q/slowest_polls?host={host}&from={$from}&to={$to}"}
chart: {type: bar, x: host, y: available_pct}
---*/
-- Every poll, and when the same way to the same host was tried next.
WITH p AS (
  SELECT host, target, ok, epoch(ts) AS ts,
         lead(epoch(ts)) OVER (PARTITION BY host, target ORDER BY ts) AS next_ts
  FROM poll
  WHERE ts >= $from AND ts < $to
    AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
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
),
counted AS (
  SELECT host, count(*) AS polls, count(*) FILTER (NOT ok) AS failed_polls FROM p GROUP BY host
)
SELECT h.name AS host,
       -- Rounded down: 100 is said of 100 only.
       floor(100000.0 * t.up_s / nullif(t.known_s, 0)) / 1000 AS available_pct,
       round(t.known_s - t.up_s)::BIGINT AS down_s,
       round(coalesce(t.planned_s, 0))::BIGINT AS planned_s,
       round(greatest(0, epoch($to) - epoch(greatest($from, h.first_seen))
                         - coalesce(t.known_s + t.planned_s, 0)))::BIGINT AS unknown_s,
       coalesce(c.polls, 0) AS polls,
       coalesce(c.failed_polls, 0) AS failed_polls
FROM host h
LEFT JOIN total t ON t.host = h.name
LEFT JOIN counted c ON c.host = h.name
WHERE (h.removed_at IS NULL OR c.host IS NOT NULL)
  AND ($group = '' OR h.name IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
ORDER BY available_pct NULLS FIRST, host
