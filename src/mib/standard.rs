//! Types of the standards that nearly every vendor's module imports, for whoever does not have the
//! files of the standards at hand. Only what shapes a value is here, written anew; a real file of
//! the same name has precedence.

/// Name and text of each module.
pub(super) fn modules() -> Vec<(String, Vec<u8>)> {
    let modules = [
        ("HCNUM-TC", "", HCNUM),
        ("SNMP-FRAMEWORK-MIB", "", FRAMEWORK),
        ("INET-ADDRESS-MIB", "", INET_ADDRESS),
        (
            "IF-MIB",
            "mib-2 FROM SNMPv2-SMI DisplayString FROM SNMPv2-TC ",
            IF,
        ),
        ("RMON-MIB", "", RMON),
    ];
    modules
        .map(|(name, imports, body)| {
            let text = format!(
                "{name} DEFINITIONS ::= BEGIN\nIMPORTS OBJECT-TYPE, Integer32, Unsigned32, Counter64, Gauge32 FROM SNMPv2-SMI\nTEXTUAL-CONVENTION FROM SNMPv2-TC {imports};\n{body}END\n"
            );
            (name.to_owned(), text.into_bytes())
        })
        .into()
}

const HCNUM: &str = r#"
CounterBasedGauge64 ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX Counter64
ZeroBasedCounter64 ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX Counter64
"#;

const FRAMEWORK: &str = r#"
SnmpAdminString ::= TEXTUAL-CONVENTION DISPLAY-HINT "255t" STATUS current DESCRIPTION ""
    SYNTAX OCTET STRING (SIZE (0..255))
SnmpEngineID ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX OCTET STRING (SIZE (5..32))
SnmpSecurityModel ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX Integer32 (0..2147483647)
SnmpMessageProcessingModel ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION ""
    SYNTAX Integer32 (0..2147483647)
SnmpSecurityLevel ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION ""
    SYNTAX INTEGER { noAuthNoPriv(1), authNoPriv(2), authPriv(3) }
"#;

const INET_ADDRESS: &str = r#"
InetAddressType ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION ""
    SYNTAX INTEGER { unknown(0), ipv4(1), ipv6(2), ipv4z(3), ipv6z(4), dns(16) }
InetAddress ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX OCTET STRING (SIZE (0..255))
InetAddressIPv4 ::= TEXTUAL-CONVENTION DISPLAY-HINT "1d.1d.1d.1d" STATUS current DESCRIPTION ""
    SYNTAX OCTET STRING (SIZE (4))
InetAddressIPv6 ::= TEXTUAL-CONVENTION DISPLAY-HINT "2x:2x:2x:2x:2x:2x:2x:2x" STATUS current
    DESCRIPTION "" SYNTAX OCTET STRING (SIZE (16))
InetAddressPrefixLength ::= TEXTUAL-CONVENTION DISPLAY-HINT "d" STATUS current DESCRIPTION ""
    SYNTAX Unsigned32 (0..2040)
InetPortNumber ::= TEXTUAL-CONVENTION DISPLAY-HINT "d" STATUS current DESCRIPTION ""
    SYNTAX Unsigned32 (0..65535)
"#;

const IF: &str = r#"
InterfaceIndex ::= TEXTUAL-CONVENTION DISPLAY-HINT "d" STATUS current DESCRIPTION ""
    SYNTAX Integer32 (1..2147483647)
InterfaceIndexOrZero ::= TEXTUAL-CONVENTION DISPLAY-HINT "d" STATUS current DESCRIPTION ""
    SYNTAX Integer32 (0..2147483647)
interfaces OBJECT IDENTIFIER ::= { mib-2 2 }
ifTable OBJECT-TYPE SYNTAX SEQUENCE OF IfEntry MAX-ACCESS not-accessible STATUS current
    DESCRIPTION "" ::= { interfaces 2 }
ifEntry OBJECT-TYPE SYNTAX IfEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION ""
    INDEX { ifIndex } ::= { ifTable 1 }
IfEntry ::= SEQUENCE { ifIndex InterfaceIndex, ifDescr DisplayString, ifAdminStatus INTEGER,
    ifOperStatus INTEGER }
ifIndex OBJECT-TYPE SYNTAX InterfaceIndex MAX-ACCESS read-only STATUS current DESCRIPTION ""
    ::= { ifEntry 1 }
ifDescr OBJECT-TYPE SYNTAX DisplayString MAX-ACCESS read-only STATUS current DESCRIPTION ""
    ::= { ifEntry 2 }
ifAdminStatus OBJECT-TYPE SYNTAX INTEGER { up(1), down(2), testing(3) } MAX-ACCESS read-only
    STATUS current DESCRIPTION "" ::= { ifEntry 7 }
ifOperStatus OBJECT-TYPE SYNTAX INTEGER { up(1), down(2), testing(3), unknown(4), dormant(5),
    notPresent(6), lowerLayerDown(7) } MAX-ACCESS read-only STATUS current DESCRIPTION ""
    ::= { ifEntry 8 }
"#;

const RMON: &str = r#"
OwnerString ::= TEXTUAL-CONVENTION DISPLAY-HINT "255a" STATUS current DESCRIPTION ""
    SYNTAX OCTET STRING (SIZE (0..127))
"#;
