//! Tables and properties of the counter rules.

use proptest::prelude::*;

use super::*;

fn up(ms: u64) -> Option<Uptime> {
    Some(Uptime {
        ms,
        wraps: true,
        boot: 0,
    })
}

fn at(read_at_ms: u64, uptime: Option<Uptime>) -> Moment {
    Moment { read_at_ms, uptime }
}

fn minute() -> Span {
    Span::Continuous { elapsed_ms: 60_000 }
}

#[test]
fn the_devices_clock_gives_the_time_when_sane() {
    let s = span(&at(1_000, up(500_000)), &at(61_300, up(560_000)));
    assert_eq!(s, Span::Continuous { elapsed_ms: 60_000 });
}

#[test]
fn a_standing_or_racing_device_clock_is_not_believed() {
    let stands = span(&at(0, up(5_000)), &at(60_000, up(5_000)));
    assert_eq!(
        stands,
        Span::Restarted { elapsed_ms: 60_000 },
        "an uptime of 5 s after a minute is a restart"
    );
    let old_stands = span(&at(0, up(500_000)), &at(60_000, up(500_000)));
    assert_eq!(old_stands, Span::Continuous { elapsed_ms: 60_000 });
    let races = span(&at(0, up(500_000)), &at(60_000, up(900_000)));
    assert_eq!(races, Span::Continuous { elapsed_ms: 60_000 });
}

#[test]
fn an_uptime_that_fell_is_a_restart() {
    let s = span(&at(0, up(9_000_000)), &at(60_000, up(30_000)));
    assert_eq!(s, Span::Restarted { elapsed_ms: 60_000 });
}

#[test]
fn the_497_day_wrap_is_no_restart() {
    let before = UPTIME_WRAP_MS - 20_000;
    let s = span(&at(0, up(before)), &at(60_000, up(40_000)));
    assert_eq!(s, Span::Continuous { elapsed_ms: 60_000 });
}

#[test]
fn a_restart_after_496_days_is_a_restart() {
    let before = UPTIME_WRAP_MS - 86_400_000;
    let s = span(&at(0, up(before)), &at(60_000, up(40_000)));
    assert_eq!(s, Span::Restarted { elapsed_ms: 60_000 });
}

#[test]
fn a_clock_that_does_not_wrap_never_wraps() {
    let mut a = at(0, up(UPTIME_WRAP_MS - 20_000));
    let mut b = at(60_000, up(40_000));
    for m in [&mut a, &mut b] {
        if let Some(u) = &mut m.uptime {
            u.wraps = false;
        }
    }
    assert_eq!(span(&a, &b), Span::Restarted { elapsed_ms: 60_000 });
}

#[test]
fn another_boot_is_a_restart_whatever_the_uptime_says() {
    let boot = |ms, boot| {
        Some(Uptime {
            ms,
            wraps: false,
            boot,
        })
    };
    let s = span(&at(0, boot(10_000, 7)), &at(60_000, boot(70_000, 8)));
    assert_eq!(s, Span::Restarted { elapsed_ms: 60_000 });
}

#[test]
fn equal_or_falling_times_are_disorder() {
    assert_eq!(span(&at(5, None), &at(5, None)), Span::Disorder);
    assert_eq!(span(&at(9, None), &at(5, None)), Span::Disorder);
}

#[test]
fn counters_step_by_step() {
    use Value::{Counter32, Counter64, Null};
    let g = Some(1_000_000_000);
    let cases = [
        // before, after, span, speed, expected
        (Counter64(10), Counter64(30), minute(), None, Ok(20)),
        (Counter64(10), Counter64(10), minute(), None, Ok(0)),
        (
            Counter64(30),
            Counter64(10),
            minute(),
            None,
            Err(NoDelta::Reset),
        ),
        (
            Counter64(1 << 30),
            Counter64(0),
            minute(),
            None,
            Err(NoDelta::BrokenZero),
        ),
        (
            Counter64(100),
            Counter64(0),
            minute(),
            None,
            Err(NoDelta::Reset),
        ),
        (
            Counter64(0),
            Counter64(u64::MAX),
            minute(),
            None,
            Err(NoDelta::Reset),
        ),
        // 4 GiB in a minute is 573 Mbit/s: fine on a port that claims 10 Mbit/s (speeds lie).
        (
            Counter64(0),
            Counter64(1 << 32),
            minute(),
            Some(10_000_000),
            Ok(1 << 32),
        ),
        (
            Counter32(4_294_967_000),
            Counter32(704),
            minute(),
            g,
            Ok(1_000),
        ),
        // Nearly a whole turn in a minute is 570 Mbit/s: a wrap at 1 Gbit/s, a reset at 100 Mbit/s.
        (
            Counter32(500),
            Counter32(100),
            minute(),
            g,
            Ok(4_294_966_896),
        ),
        (
            Counter32(500),
            Counter32(100),
            minute(),
            Some(100_000_000),
            Err(NoDelta::Ambiguous),
        ),
        (
            Counter32(500),
            Counter32(100),
            minute(),
            None,
            Err(NoDelta::Ambiguous),
        ),
        (
            Counter32(4_294_967_000),
            Counter32(704),
            minute(),
            None,
            Ok(1_000),
        ),
        (
            Counter32(1 << 30),
            Counter32(0),
            minute(),
            g,
            Err(NoDelta::BrokenZero),
        ),
        (Counter32(7), Counter64(9), minute(), g, Err(NoDelta::First)),
        (Null, Counter64(9), minute(), g, Err(NoDelta::First)),
        (Counter64(9), Null, minute(), g, Err(NoDelta::First)),
        (
            Counter64(1),
            Counter64(2),
            Span::Restarted { elapsed_ms: 9 },
            g,
            Err(NoDelta::Reset),
        ),
        (
            Counter64(1),
            Counter64(2),
            Span::Disorder,
            g,
            Err(NoDelta::Disorder),
        ),
    ];
    for (before, after, span, speed, expected) in cases {
        assert_eq!(
            delta(&before, &after, span, 8.0, speed),
            expected,
            "{before:?} -> {after:?}, speed {speed:?}"
        );
    }
}

/// A counter as a device keeps it: width, whether boots are numbered, and its life in steps of
/// (elapsed ms, octets per ms at up to 1 Gbit/s, restart).
fn life() -> impl Strategy<Value = (bool, bool, Vec<(u64, u64, bool)>)> {
    let step = (1_000u64..200_000, 0u64..=125_000, prop::bool::weighted(0.1));
    (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(step, 2..40),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    /// Whatever the device does, each delta is exactly what happened, or NULL; and it is NULL only
    /// for a reason.
    #[test]
    fn a_delta_is_the_truth_or_null((wide, numbered, steps) in life(), start in any::<u32>(), up0 in 0u64..UPTIME_WRAP_MS) {
        let read = |total: u64| if wide { Value::Counter64(total) } else { Value::Counter32(total as u32) };
        let moment = |now, ms, boot| at(now, Some(Uptime { ms, wraps: true, boot: if numbered { boot } else { 0 } }));
        let (mut total, mut now, mut uptime, mut boot) = (u64::from(start), 1_000_000u64, up0, 1u64);
        let mut before = (read(total), moment(now, uptime, boot));
        for (elapsed, octets_per_ms, restart) in steps {
            let happened = elapsed * octets_per_ms;
            now += elapsed;
            if restart {
                // Restarted half-way: the other half is counted anew.
                (total, uptime, boot) = (happened / 2, elapsed / 2, boot + 1);
            } else {
                (total, uptime) = (total + happened, (uptime + elapsed) % UPTIME_WRAP_MS);
            }
            let after = (read(total), moment(now, uptime, boot));
            let d = delta(&before.0, &after.0, span(&before.1, &after.1), 8.0, Some(1_000_000_000));
            match d {
                Ok(_) if restart && numbered => prop_assert!(false, "a numbered restart gave {:?}", d),
                Ok(d) if restart => prop_assert!(d >= 0),
                // A 32-bit counter that went round more than once cannot show it: the truth modulo 2^32.
                Ok(d) => prop_assert_eq!(d as u64, if wide { happened } else { happened & u64::from(u32::MAX) }),
                Err(NoDelta::BrokenZero) => prop_assert_eq!(&after.0, &read(0)),
                Err(NoDelta::Ambiguous) => prop_assert!(!wide && (restart || happened > u64::from(u32::MAX) / 2)),
                Err(why) => prop_assert!(restart, "no restart, yet {:?}", why),
            }
            before = after;
        }
    }

    /// Any two readings at all: no panic, never negative.
    #[test]
    fn any_pair_is_safe(a in any::<u64>(), b in any::<u64>(), wa in any::<bool>(), wb in any::<bool>(),
                        t0 in any::<u64>(), t1 in any::<u64>(), u0 in any::<u64>(), u1 in any::<u64>(), speed in any::<i64>()) {
        let v = |n: u64, w: bool| if w { Value::Counter64(n) } else { Value::Counter32(n as u32) };
        let wrap = |ms: u64| Some(Uptime { ms: ms % UPTIME_WRAP_MS, wraps: true, boot: 0 });
        let s = span(&at(t0, wrap(u0)), &at(t1, wrap(u1)));
        if let Ok(d) = delta(&v(a, wa), &v(b, wb), s, 8.0, Some(speed)) {
            prop_assert!(d >= 0);
        }
    }
}
