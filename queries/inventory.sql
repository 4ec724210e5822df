/*---
title: {en: Inventory of hosts, zh-CN: 主机清单}
description:
  en: Every host of the inventory with vendor, model, serial number and versions, as it tells them itself.
  zh-CN: 清单中每台主机自报的厂商、型号、序列号和版本。
tags: [inventory]
params:
  search: {type: text, default: "", title: {en: Anything contains, zh-CN: 任一项包含}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  address: {title: {en: Address, zh-CN: 地址}}
  vendor: {title: {en: Vendor, zh-CN: 厂商}}
  model: {title: {en: Model, zh-CN: 型号}}
  serial: {title: {en: Serial number, zh-CN: 序列号}}
  version: {title: {en: Version, zh-CN: 版本}}
  os: {title: {en: Operating system, zh-CN: 操作系统}}
  kernel: {title: {en: Kernel, zh-CN: 内核}}
  location: {title: {en: Location, zh-CN: 位置}}
  groups: {title: {en: Groups, zh-CN: 分组}}
  first_seen: {title: {en: Since, zh-CN: 加入时间}}
---*/
WITH member AS (
  SELECT host, string_agg(group_name, ', ' ORDER BY group_name) AS groups FROM host_group GROUP BY host
)
SELECT h.name AS host, h.address, h.vendor, h.model, h.serial, h.version, h.os, h.kernel, h.location, m.groups, h.first_seen
FROM host h
LEFT JOIN member m ON m.host = h.name
WHERE h.removed_at IS NULL
  -- Who was in the inventory by the end of the range.
  AND h.first_seen < $to
  AND ($group = '' OR h.name IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
  AND ($search = '' OR contains(
        lower(concat_ws(' ', h.name, h.address, h.vendor, h.model, h.serial, h.version, h.os, h.kernel, h.location)),
        lower($search)))
ORDER BY h.name
