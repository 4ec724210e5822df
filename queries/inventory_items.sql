/*---
title: {en: Models and serial numbers, zh-CN: 型号与序列号}
description:
  en: Chassis, modules, power supplies and fans with model, serial number and versions, as last seen.
  zh-CN: 机箱、板卡、电源和风扇的型号、序列号和版本（最近一次看到的情况）。
tags: [inventory]
range: now-24h
params:
  search: {type: text, default: "", title: {en: Model or serial number contains, zh-CN: 型号或序列号包含}}
  group: {type: group, default: "", title: {en: Group, zh-CN: 分组}}
columns:
  host: {link: "/hosts/{host}", title: {en: Host, zh-CN: 主机}}
  item: {title: {en: Part, zh-CN: 部件}}
  class: {title: {en: Kind, zh-CN: 类别}}
  model: {title: {en: Model, zh-CN: 型号}}
  serial: {title: {en: Serial number, zh-CN: 序列号}}
  hardware_version: {title: {en: Hardware, zh-CN: 硬件版本}}
  firmware_version: {title: {en: Firmware, zh-CN: 固件版本}}
  software_version: {title: {en: Software, zh-CN: 软件版本}}
  description: {title: {en: Description, zh-CN: 描述}}
---*/
SELECT host, item, max_by(class, ts) AS class, max_by(model, ts) AS model, max_by(serial, ts) AS serial,
       max_by(hardware_version, ts) AS hardware_version, max_by(firmware_version, ts) AS firmware_version,
       max_by(software_version, ts) AS software_version, max_by(description, ts) AS description
FROM inventory_item
WHERE ts >= $from AND ts < $to
  AND ($group = '' OR host IN (SELECT g.host FROM host_group g WHERE g.group_name = $group))
GROUP BY host, item
HAVING $search = '' OR contains(lower(concat(max_by(model, ts), ' ', max_by(serial, ts))), lower($search))
ORDER BY host, class, item
