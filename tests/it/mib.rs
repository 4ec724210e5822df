//! `eider mib import`: drafts of profiles from a module of our own, from those of net-snmp, and from
//! what is no module.

use crate::support::TestHome;
use crate::support::process::unpacked_root;

/// Every kind of object that a draft has to do with.
const ACME: &str = r#"ACME-POWER-MIB DEFINITIONS ::= BEGIN
IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, Counter32, Counter64, Gauge32,
    TimeTicks, IpAddress, enterprises FROM SNMPv2-SMI
    TEXTUAL-CONVENTION, DisplayString, TruthValue, MacAddress, DateAndTime FROM SNMPv2-TC;
acmePower MODULE-IDENTITY
    LAST-UPDATED "202601010000Z" ORGANIZATION "Acme" CONTACT-INFO "a" DESCRIPTION "Power."
    ::= { enterprises 99999 7 }
Tenths ::= TEXTUAL-CONVENTION DISPLAY-HINT "d-1" STATUS current DESCRIPTION "x" SYNTAX Integer32
acmeModel OBJECT-TYPE SYNTAX DisplayString MAX-ACCESS read-only STATUS current
    DESCRIPTION "The model: what it's called. And more." ::= { acmePower 1 }
acmeUptime OBJECT-TYPE SYNTAX TimeTicks MAX-ACCESS read-only STATUS current
    DESCRIPTION "Since the start" ::= { acmePower 2 }
acmeOld OBJECT-TYPE SYNTAX Integer32 MAX-ACCESS read-only STATUS obsolete
    DESCRIPTION "Gone" ::= { acmePower 3 }
acmeOutletTable OBJECT-TYPE SYNTAX SEQUENCE OF AcmeOutletEntry MAX-ACCESS not-accessible
    STATUS current DESCRIPTION "The outlets" ::= { acmePower 4 }
acmeOutletEntry OBJECT-TYPE SYNTAX AcmeOutletEntry MAX-ACCESS not-accessible
    STATUS current DESCRIPTION "One" INDEX { acmeOutletBank, acmeOutletAddress } ::= { acmeOutletTable 1 }
AcmeOutletEntry ::= SEQUENCE { acmeOutletBank Integer32, acmeOutletAddress IpAddress,
    acmeOutletName DisplayString, acmeOutletState INTEGER, acmeOutletAmps Tenths,
    acmeOutletEnergy Counter64, acmeOutletTrips Counter32, acmeOutletLocked TruthValue,
    acmeOutletMac MacAddress, acmeOutletSince DateAndTime, acmeOutletAlarms BITS,
    acmeOutletLoad Gauge32 }
acmeOutletBank OBJECT-TYPE SYNTAX Integer32 (1..9) MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "i" ::= { acmeOutletEntry 1 }
acmeOutletAddress OBJECT-TYPE SYNTAX IpAddress MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "i" ::= { acmeOutletEntry 2 }
acmeOutletName OBJECT-TYPE SYNTAX DisplayString MAX-ACCESS read-write STATUS current
    DESCRIPTION "Its name" ::= { acmeOutletEntry 3 }
acmeOutletState OBJECT-TYPE SYNTAX INTEGER { on(1), off(2) } MAX-ACCESS read-only STATUS current
    DESCRIPTION "Switched" ::= { acmeOutletEntry 4 }
acmeOutletAmps OBJECT-TYPE SYNTAX Tenths UNITS "amps" MAX-ACCESS read-only STATUS current
    DESCRIPTION "Current" ::= { acmeOutletEntry 5 }
acmeOutletEnergy OBJECT-TYPE SYNTAX Counter64 UNITS "watt hours" MAX-ACCESS read-only STATUS current
    DESCRIPTION "Energy" ::= { acmeOutletEntry 6 }
acmeOutletTrips OBJECT-TYPE SYNTAX Counter32 MAX-ACCESS read-only STATUS current
    DESCRIPTION "Trips" ::= { acmeOutletEntry 7 }
acmeOutletLocked OBJECT-TYPE SYNTAX TruthValue MAX-ACCESS read-only STATUS current
    DESCRIPTION "Locked" ::= { acmeOutletEntry 8 }
acmeOutletMac OBJECT-TYPE SYNTAX MacAddress MAX-ACCESS read-only STATUS current
    DESCRIPTION "MAC" ::= { acmeOutletEntry 9 }
acmeOutletSince OBJECT-TYPE SYNTAX DateAndTime MAX-ACCESS read-only STATUS current
    DESCRIPTION "Since" ::= { acmeOutletEntry 10 }
acmeOutletAlarms OBJECT-TYPE SYNTAX BITS { hot(0), wet(1) } MAX-ACCESS read-only STATUS current
    DESCRIPTION "Alarms" ::= { acmeOutletEntry 11 }
acmeOutletLoad OBJECT-TYPE SYNTAX Gauge32 UNITS "percent" MAX-ACCESS read-only STATUS current
    DESCRIPTION "Load" ::= { acmeOutletEntry 12 }
acmeEvents OBJECT IDENTIFIER ::= { acmePower 0 }
acmeOutletTripped NOTIFICATION-TYPE OBJECTS { acmeOutletName } STATUS current
    DESCRIPTION "It tripped" ::= { acmeEvents 1 }
END
"#;

const DRAFT: &str = "# Draft made of ACME-POWER-MIB: delete what nobody needs, name things as people call them.
profile: acme-power
comment: 'What ACME-POWER-MIB offers'
match: {has: [1.3.6.1.4.1.99999.7]}
tables:
  - fills: acme_power
    comment: 'What there is once, one row per poll'
    columns:
      model: {from: 1.3.6.1.4.1.99999.7.1.0, kind: text, comment: 'acmeModel: The model: what it''s called'}
      uptime: {from: 1.3.6.1.4.1.99999.7.2.0, scale: 0.01, kind: float, unit: 's', comment: 'acmeUptime: Since the start'}
  - fills: acme_outlet
    comment: 'acmeOutletTable: The outlets'
    entity_column: acme_outlet_name
    entry: 1.3.6.1.4.1.99999.7.4.1
    index: [{name: acme_outlet_bank, as: int}, {name: acme_outlet_address, as: ip}]
    entity: .3
    columns:
      name: {from: .3, kind: text, comment: 'acmeOutletName: Its name'}
      state: {from: .4, enum: {1: 'on', 2: 'off'}, kind: text, comment: 'acmeOutletState: Switched'}
      amps: {from: .5, scale: 0.1, kind: float, unit: 'A', comment: 'acmeOutletAmps: Current'}
      energy: {from: .6, kind: counter, unit: 'watt hours', comment: 'acmeOutletEnergy: Energy'}
      trips: {from: .7, kind: counter, comment: 'acmeOutletTrips: Trips'}
      locked: {from: .8, enum: {1: 'true', 2: 'false'}, kind: text, comment: 'acmeOutletLocked: Locked'}
      mac: {from: .9, as: mac, kind: text, comment: 'acmeOutletMac: MAC'}
      since: {from: .10, as: date, kind: time, comment: 'acmeOutletSince: Since'}
      alarms: {from: .11, bits: {0: 'hot', 1: 'wet'}, kind: text, comment: 'acmeOutletAlarms: Alarms'}
      load: {from: .12, kind: int, unit: '%', comment: 'acmeOutletLoad: Load'}
traps:
  1.3.6.1.4.1.99999.7.0.1: {name: acmeOutletTripped}
objects:
  1.3.6.1.4.1.99999.7.4.1.3: acmeOutletName
";

fn path(home: &TestHome, name: &str) -> String {
    home.path().join(name).display().to_string()
}

fn home() -> TestHome {
    TestHome::new().with("inventory/hosts.yaml", "hosts: {a: {collect: [local]}}\n")
}

#[test]
fn a_draft_says_what_the_module_says_and_passes_the_check() {
    let home = home().with("vendor/ACME-POWER-MIB.txt", ACME);
    let file = path(&home, "vendor/ACME-POWER-MIB.txt");
    let outcome = home.run(&["mib", "import", &file]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, DRAFT);
    assert_eq!(outcome.stderr, "tables: 2, columns: 12, traps: 1\n");
    let out = path(&home, "inventory/profiles/acme.yaml");
    assert_eq!(home.run(&["mib", "import", &file, "--out", &out]).code, 0);
    home.succeed(&["check"]);
    let again = home.run(&["mib", "import", &file, "--out", &out]);
    assert_ne!(again.code, 0);
    assert!(again.stderr.contains("never replaced"), "{}", again.stderr);
}

#[test]
fn the_modules_of_net_snmp_become_profiles() {
    let installed = std::path::Path::new("/usr/share/snmp/mibs");
    let unpacked = unpacked_root().join("usr/share/snmp/mibs");
    let folder = [installed, &unpacked].into_iter().find(|f| f.is_dir());
    let folder = folder.expect("the MIB modules of libsnmp-base: run `make test-tools`");
    for (module, table, column) in [
        ("UCD-SNMP-MIB", "fills: la", "int:"),
        (
            "UCD-DISKIO-MIB",
            "fills: disk_io",
            "n_read_x: {from: .12, kind: counter",
        ),
        (
            "LM-SENSORS-MIB",
            "fills: lm_temp_sensors",
            "device: {from: .2, kind: text",
        ),
        ("NET-SNMP-AGENT-MIB", "traps:", "nsNotifyStart"),
        (
            "NET-SNMP-EXTEND-MIB",
            "fills: ns_extend_output1",
            "as: string",
        ),
    ] {
        let home = home();
        let file = folder.join(format!("{module}.txt")).display().to_string();
        let outcome = home.run(&["mib", "import", &file]);
        assert_eq!(outcome.code, 0, "{module}: {}", outcome.stderr);
        assert!(
            outcome.stdout.contains(table),
            "{module}: {}",
            outcome.stdout
        );
        assert!(
            outcome.stdout.contains(column),
            "{module}: {}",
            outcome.stdout
        );
        assert!(
            !outcome.stderr.contains("does not pass"),
            "{module}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn what_is_missing_is_named_and_where_to_put_it() {
    let text = ACME.replace(
        "TEXTUAL-CONVENTION, Disp",
        "acmeRoot FROM ACME-ROOT-MIB TEXTUAL-CONVENTION, Disp",
    );
    let text = text.replace("enterprises 99999 7", "acmeRoot 7");
    let home = home().with("a.mib", &text);
    let outcome = home.run(&["mib", "import", &path(&home, "a.mib")]);
    assert_eq!(outcome.code, 3);
    let said = outcome.stderr;
    assert!(
        said.starts_with(
            "the module ACME-ROOT-MIB is missing: ACME-POWER-MIB imports acmeRoot from it\n"
        ),
        "{said}"
    );
    assert!(said.contains("--path"), "{said}");
    let root = "ACME-ROOT-MIB DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI;\nacmeRoot OBJECT IDENTIFIER ::= { enterprises 99999 }\nEND\n";
    home.write("elsewhere/ACME-ROOT-MIB.txt", root);
    let found = home.run(&[
        "mib",
        "import",
        &path(&home, "a.mib"),
        "--path",
        &path(&home, "elsewhere"),
    ]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert!(
        found.stdout.contains("entry: 1.3.6.1.4.1.99999.7.4.1"),
        "{}",
        found.stdout
    );
}

#[test]
fn what_is_no_module_ends_in_a_sentence() {
    let deep = format!(
        "A-MIB DEFINITIONS ::= BEGIN\na OBJECT-TYPE SYNTAX {}",
        "(".repeat(1_000_000)
    );
    let hostile = [
        ("empty.mib", String::new()),
        ("prose.mib", "Dear Sir or Madam,\n".repeat(9)),
        ("deep.mib", deep),
        ("zero.mib", "A-MIB DEFINITIONS ::= BEGIN\n\0\0".to_owned()),
        ("long.mib", "x".repeat(5 << 20)),
        ("loop.mib", "A-MIB DEFINITIONS ::= BEGIN IMPORTS b FROM A-MIB;\na OBJECT IDENTIFIER ::= { b 1 }\nb OBJECT IDENTIFIER ::= { a 1 }\nT ::= U\nU ::= T\nEND\n".to_owned()),
    ];
    for (name, text) in hostile {
        let home = home().with(name, &text);
        let outcome = home.run(&["mib", "import", &path(&home, name)]);
        assert_eq!(
            outcome.code, 3,
            "{name}: {} {}",
            outcome.stdout, outcome.stderr
        );
        assert!(
            outcome.stderr.len() < 2_000 && !outcome.stderr.contains("panicked"),
            "{name}: {}",
            outcome.stderr
        );
    }
    let home = home().with("cut.mib", &ACME[..1_500]);
    let cut = home.run(&["mib", "import", &path(&home, "cut.mib")]);
    assert!(cut.stderr.contains("cut.mib:"), "{}", cut.stderr);
    let missing = self::home().run(&["mib", "import", "nowhere.mib"]);
    assert!(missing.stderr.contains("nowhere.mib"), "{}", missing.stderr);
}
