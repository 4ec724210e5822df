//! Files of other programs, read, written as ours, and read by our own loader.

use super::*;
use crate::inventory::{Access, Inventory, NoSecrets, SourceFile, load};

fn wishes() -> Wishes {
    Wishes {
        user: "me".into(),
        ..Wishes::default()
    }
}

fn loaded(imported: &Imported) -> Inventory {
    let text = imported.outline.to_yaml();
    let files = [SourceFile::new("inventory/hosts.yaml", text.as_str())];
    let (inventory, problems) = load(&files, &NoSecrets);
    inventory.unwrap_or_else(|| panic!("{problems:#?}\n{text}"))
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.hosts.keys().map(|name| &**name).collect()
}

const INI: &str = r#"
mail.example.net:2222  ; no
; a comment
[web]
web[01:03].example.net ansible_user=deploy rack="r 1" # the front
db1 ansible_host=192.0.2.7 ansible_ssh_private_key_file=~/.ssh/db.pem
[db]
db1 ansible_password=s3cret
[prod:children]
web
db
[prod:vars]
ansible_port=2200
ntp_server="192.0.2.1"
[core]
sw1 ansible_connection=network_cli ansible_network_os=ios
"#;

const YAML: &str = r#"
all:
  vars: {ansible_user: ops}
  hosts:
    mail.example.net: {ansible_port: 2222}
  children:
    prod:
      children:
        web:
          hosts:
            web[01:02].example.net:
            db1: {ansible_host: 192.0.2.7, secret: !vault "abc", list: [1, 2]}
        db:
          hosts: {db1: }
    empty:
"#;

#[test]
fn ansibles_ini() {
    let mut wishes = wishes();
    wishes.labels = vec!["rack".into()];
    let text = INI.replace("  ; no", "");
    let imported = import(Kind::Ansible, &text, &wishes).unwrap();
    let inventory = loaded(&imported);
    assert_eq!(
        names(&inventory),
        [
            "db1",
            "mail.example.net",
            "sw1",
            "web01.example.net",
            "web02.example.net",
            "web03.example.net"
        ]
    );
    let web = &inventory.hosts["web02.example.net"];
    assert_eq!(web.labels["rack"], "r 1");
    assert_eq!(web.groups, ["web", "prod"]);
    let Access::Ssh(ssh) = &web.targets[0].access else {
        panic!("{:?}", web.targets);
    };
    assert_eq!((ssh.port, ssh.user.as_str()), (2200, "deploy"));
    let db = &inventory.hosts["db1"];
    assert_eq!(db.address, "192.0.2.7");
    assert_eq!(db.groups, ["web", "db", "prod"]);
    let Access::Ssh(ssh) = &inventory.hosts["mail.example.net"].targets[0].access else {
        panic!("mail is reached by ssh");
    };
    assert_eq!(ssh.port, 2222);
    assert_eq!(inventory.hosts["sw1"].targets[0].word(), "ping");
    let told = imported.remarks.join("\n");
    assert!(!imported.outline.to_yaml().contains("s3cret") && !told.contains("s3cret"));
    for word in ["passwords were not copied", "network_cli", "ntp_server"] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn ansibles_yaml() {
    let imported = import(Kind::Ansible, YAML, &wishes()).unwrap();
    let inventory = loaded(&imported);
    assert_eq!(
        names(&inventory),
        [
            "db1",
            "mail.example.net",
            "web01.example.net",
            "web02.example.net"
        ]
    );
    assert_eq!(inventory.hosts["db1"].groups, ["web", "db", "prod"]);
    let Access::Ssh(ssh) = &inventory.hosts["web01.example.net"].targets[0].access else {
        panic!("web01 is reached by ssh");
    };
    assert_eq!(ssh.user, "ops");
}

#[test]
fn what_is_no_ansible_inventory_is_told_with_its_line() {
    let fault = |text| import(Kind::Ansible, text, &wishes()).unwrap_err();
    assert_eq!(fault("[web\na\n").line, 1);
    assert_eq!(fault("[web]\na b\n").line, 2);
    assert_eq!(fault("[web]\na b='c\n").line, 2);
    assert_eq!(fault("[web:sons]\n").line, 1);
    assert_eq!(fault("[web:vars]\nx\n").line, 2);
    assert!(fault("all:\n  sons: {}\n").why.contains("sons"));
    let circle = "[a:children]\nb\n[b:children]\na\n[a]\nx\n";
    let imported = import(Kind::Ansible, circle, &wishes()).unwrap();
    assert!(imported.remarks[0].contains("below itself"));
    assert_eq!(names(&loaded(&imported)), ["x"]);
    assert!(
        import(Kind::Ansible, "", &wishes())
            .unwrap()
            .outline
            .is_empty()
    );
}

#[test]
fn an_ssh_config_gives_the_hosts_that_it_names() {
    let text = "
User everyone
Host bastion
    HostName 192.0.2.1
    Port=2222
Host web* !web3
    IdentityFile ~/.ssh/web
Host web1 web2 web3
    HostName %h.example.net
    ProxyJump bastion
Host *
    User nobody
Match user root
    Port 1
";
    let imported = import(Kind::SshConfig, text, &wishes()).unwrap();
    let inventory = loaded(&imported);
    assert_eq!(names(&inventory), ["bastion", "web1", "web2", "web3"]);
    let bastion = &inventory.hosts["bastion"];
    assert_eq!(bastion.address, "192.0.2.1");
    let Access::Ssh(ssh) = &bastion.targets[0].access else {
        panic!("by ssh");
    };
    assert_eq!((ssh.port, ssh.user.as_str()), (2222, "everyone"));
    assert_eq!(inventory.hosts["web2"].address, "web2.example.net");
    let yaml = imported.outline.to_yaml();
    assert!(yaml.contains("web2: {address: web2.example.net, collect: [ssh], credential: key-web"));
    assert!(
        yaml.contains("web3: {address: web3.example.net, collect: [ssh], credential: ssh-agent")
    );
    let told = imported.remarks.join("\n");
    assert!(told.contains("Match"), "{told}");
    assert!(yaml.contains("web1: {address: web1.example.net, collect: [ssh], credential: key-web, ssh: {user: everyone, jump: bastion}}"), "{yaml}");
    let elsewhere = "Host a\n  ProxyJump me@far.example.net\nHost b\n  ProxyCommand nc %h %p\n";
    let imported = import(Kind::SshConfig, elsewhere, &wishes()).unwrap();
    assert!(
        imported.remarks[0].contains("a, b"),
        "{:?}",
        imported.remarks
    );
    assert_eq!(
        import(Kind::SshConfig, "Host\n", &wishes())
            .unwrap_err()
            .line,
        1
    );
}

#[test]
fn file_sd_in_json_and_in_yaml() {
    let json = r#"[{"targets": ["a:9100", "https://b.example.net:9100/metrics", "[2001:db8::1]:9100", "a:9256"],
                    "labels": {"job": "node", "__meta": "x", "n": 3}}]"#;
    let inventory = loaded(&import(Kind::FileSd, json, &wishes()).unwrap());
    assert_eq!(names(&inventory), ["2001:db8::1", "a", "b.example.net"]);
    assert_eq!(inventory.hosts["a"].labels["job"], "node");
    assert!(!inventory.hosts["a"].labels.contains_key("__meta"));
    let yaml = "- targets: [10.0.0.1, 10.0.0.2]\n  labels: {site: x}\n";
    let mut wishes = wishes();
    wishes.collect = vec!["snmp".into()];
    wishes.credential = Some("ro".into());
    wishes.group = Some("network".into());
    let imported = import(Kind::FileSd, yaml, &wishes).unwrap();
    assert_eq!(imported.outline.groups[0].hosts.len(), 2);
    let yaml = imported.outline.to_yaml();
    assert!(
        yaml.contains("10.0.0.2: {collect: [snmp], credential: ro, labels: {site: x}}"),
        "{yaml}"
    );
    assert!(import(Kind::FileSd, "{}", &wishes).is_err());
    assert_eq!(
        import(Kind::FileSd, "- targets: [", &wishes)
            .unwrap_err()
            .line,
        1
    );
}

#[test]
fn snmp_exporters_auths_become_credentials_without_their_secrets() {
    let text = "
auths:
  public_v2: {version: 2, community: hidden1}
  v3 user: {version: 3, username: mon, security_level: authPriv, password: hidden22, auth_protocol: SHA, priv_protocol: AES256C, priv_password: hidden33, context_name: x}
  broken: {version: 3, security_level: authNoPriv, password: hidden44}
modules: {if_mib: {walk: [1.3.6.1.2.1.2]}}
";
    let imported = import(Kind::SnmpExporter, text, &wishes()).unwrap();
    let yaml = imported.outline.to_yaml();
    assert!(!yaml.contains("hidden"), "{yaml}");
    assert!(yaml.contains(
        "v3-user: {type: snmp-v3, user: mon, auth: sha1, auth_secret: \"file:secrets/v3-user-auth\", priv: aes256c, priv_secret: \"file:secrets/v3-user-priv\", context: x}"
    ), "{yaml}");
    let secrets: Vec<(&str, &str)> = imported
        .secrets
        .iter()
        .map(|(path, secret)| (path.as_str(), secret.expose()))
        .collect();
    assert!(secrets.contains(&("secrets/public_v2-community", "hidden1")));
    assert!(
        imported
            .remarks
            .iter()
            .any(|remark| remark.contains("broken"))
    );
    assert!(
        imported
            .remarks
            .iter()
            .any(|remark| remark.contains("modules"))
    );
    assert!(import(Kind::SnmpExporter, "modules: {}\n", &wishes()).is_err());
}

#[test]
fn a_table_of_hosts() {
    let text = "\u{feff}Hostname;IP;Group;Site;ssh port\n# the core\nsw1;192.0.2.1;core;\"Haus; 2\";\n;192.0.2.2;core edge;;2222\nsw1;192.0.2.9;;;\n";
    let imported = import(Kind::Csv, text, &wishes()).unwrap();
    let inventory = loaded(&imported);
    assert_eq!(names(&inventory), ["192.0.2.2", "sw1"]);
    assert_eq!(inventory.hosts["sw1"].labels["site"], "Haus; 2");
    assert_eq!(inventory.hosts["192.0.2.2"].groups, ["core", "edge"]);
    assert!(
        imported.remarks[0].contains("line 5"),
        "{:?}",
        imported.remarks
    );
    let fault = |text| import(Kind::Csv, text, &wishes()).unwrap_err();
    assert_eq!(fault("a,b\n1,2\n").line, 1);
    assert_eq!(fault("name,ssh_port\nx,many\n").line, 2);
    assert_eq!(fault("name,address\nx\n").line, 2);
}
