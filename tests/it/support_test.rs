//! The test servers themselves: they answer, restart on their port, and stop.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::home::finish;
use crate::support::process::Program;
use crate::support::{PATIENCE, Port, Smtp, Snmpd, Sshd};

#[test]
fn ports_are_distinct() {
    let ports: Vec<Port> = (0..20).map(|_| Port::free()).collect();
    let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
}

#[test]
fn snmpd_answers_under_its_name_and_restarts() {
    let mut snmpd = Snmpd::start_with("first-name", "");
    assert_eq!(sys_name(&snmpd).as_deref(), Some("first-name"));
    snmpd.stop();
    assert_eq!(sys_name(&snmpd), None);
    snmpd.rename("<script>alert(1)</script>");
    snmpd.restart();
    assert_eq!(
        sys_name(&snmpd).as_deref(),
        Some("<script>alert(1)</script>")
    );
}

fn sys_name(snmpd: &Snmpd) -> Option<String> {
    let mut command = Program::find("snmpget").command();
    command
        .env("MIBS", "")
        .args(["-v2c", "-c", "public", "-Oqv", "-t", "1", "-r", "0"]);
    command
        .arg(format!("127.0.0.1:{}", snmpd.port()))
        .arg("1.3.6.1.2.1.1.5.0");
    let outcome = finish(&mut command);
    (outcome.code == 0).then(|| outcome.stdout.trim().trim_matches('"').to_owned())
}

#[test]
fn sshd_lets_the_key_in_and_changes_its_host_key() {
    let mut sshd = Sshd::start();
    let before = sshd.fingerprint();
    assert!(before.starts_with("SHA256:"), "{before}");
    let outcome = log_in(&sshd);
    assert_eq!(outcome.stdout.trim(), "hello", "{}", outcome.stderr);
    sshd.change_host_key("ecdsa");
    assert_ne!(sshd.fingerprint(), before);
    let outcome = log_in(&sshd);
    assert_eq!(outcome.stdout.trim(), "hello", "{}", outcome.stderr);
    assert!(sshd.log().count("Accepted publickey") > 0);
}

fn log_in(sshd: &Sshd) -> crate::support::home::Outcome {
    let known = tempfile::NamedTempFile::new().expect("writable");
    let line = format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key_line());
    known
        .as_file()
        .write_all(line.as_bytes())
        .expect("writable");
    let mut command = Program::find("ssh").command();
    command.args([
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
    ]);
    command
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known.path().display()));
    command
        .arg("-i")
        .arg(sshd.user_key())
        .arg("-p")
        .arg(sshd.port().to_string());
    command
        .arg(format!("{}@127.0.0.1", sshd.user()))
        .arg("echo hello");
    finish(&mut command)
}

#[test]
fn smtp_keeps_decoded_mails_over_a_restart() {
    let mut smtp = Smtp::start();
    send_mail(&smtp);
    let mails = smtp.wait_mails(1, PATIENCE);
    assert_eq!(mails[0].subject(), "磁盘 full");
    assert_eq!(mails[0].recipients, ["ops@example.net"]);
    assert_eq!(mails[0].text.trim(), "plain");
    assert_eq!(mails[0].html.trim(), "<p>rich</p>");
    smtp.stop();
    assert!(TcpStream::connect(("127.0.0.1", smtp.port())).is_err());
    smtp.restart();
    smtp.answer("451 4.3.0 try later");
    send_mail(&smtp);
    smtp.answer("");
    send_mail(&smtp);
    assert_eq!(smtp.wait_mails(2, PATIENCE).len(), 2);
}

fn send_mail(smtp: &Smtp) {
    use std::io::{BufRead, BufReader};
    let mut stream = TcpStream::connect(("127.0.0.1", smtp.port())).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
    let body = "Subject: =?UTF-8?B?56OB55uY?= full\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n.";
    let lines = [
        "",
        "HELO test",
        "MAIL FROM:<eider@example.net>",
        "RCPT TO:<ops@example.net>",
        "DATA",
        body,
        "QUIT",
    ];
    for line in lines {
        if !line.is_empty() {
            stream
                .write_all(format!("{line}\r\n").as_bytes())
                .expect("it reads");
        }
        let mut answer = String::new();
        answers.read_line(&mut answer).expect("it answers");
    }
}
