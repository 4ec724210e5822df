//! What a machine or a device measures of itself: temperatures, fans, voltages, power.

use super::{Kind, Table, column};

pub static SENSOR: Table = Table {
    name: "sensor",
    entity: Some("sensor"),
    comment: "Sensors (hwmon, thermal zones, ENTITY-SENSOR-MIB, vendors' own tables), one row per sensor and collection.",
    columns: &[
        column(
            "value",
            Kind::Float,
            "",
            "What it measures, in `unit`; NULL where it only tells its state.",
        ),
        column(
            "kind",
            Kind::Text,
            "",
            "What is measured: temperature, fan, voltage, current, power, humidity, frequency, airflow, state or other.",
        ),
        column(
            "unit",
            Kind::Text,
            "",
            "The unit of value, low and high: °C, rpm, V, A, W, %, Hz, m³/min; NULL where it has none.",
        ),
        column(
            "state",
            Kind::Text,
            "",
            "By the device's own judgement or its own limits: ok, warning, critical, unknown or absent; unknown where it has neither.",
        ),
        column(
            "low",
            Kind::Float,
            "",
            "The device's own lower limit, NULL when unknown.",
        ),
        column(
            "high",
            Kind::Float,
            "",
            "The device's own upper limit, NULL when unknown.",
        ),
    ],
    facts: &[
        column(
            "description",
            Kind::Text,
            "",
            "What the device says about the sensor.",
        ),
        column(
            "location",
            Kind::Text,
            "",
            "Where it sits: the chip, module or slot.",
        ),
    ],
    derived: &[],
};
