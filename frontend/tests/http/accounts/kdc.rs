//! A private Kerberos realm: a real KDC with its own files, on a port of its own.

use std::{
    ffi::OsStr,
    io::Write,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub const REALM: &str = "TEST.EXAMPLE";

pub struct Kdc {
    folder: TempDir,
    child: Option<Child>,
}

impl Drop for Kdc {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let ended = child.kill().and_then(|()| child.wait());
            assert!(ended.is_ok(), "{ended:?}");
        }
    }
}

impl Kdc {
    /// With the people alice and bob, whose passwords are their names, and the service `HTTP/localhost`.
    pub fn start() -> Self {
        let mut kdc = Self { folder: tempfile::tempdir().unwrap(), child: None };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        kdc.write_config(port);
        kdc.run("kdb5_util", &["create", "-s", "-r", REALM, "-P", "master"], "");
        for query in ["addprinc -pw alice alice", "addprinc -pw bob bob", "addprinc -randkey HTTP/localhost"]
        {
            kdc.run("kadmin.local", &["-r", REALM, "-q", query], "");
        }
        let keytab = format!("ktadd -k {} HTTP/localhost", kdc.keytab().display());
        kdc.run("kadmin.local", &["-r", REALM, "-q", &keytab], "");
        let child = kdc.command("krb5kdc").args(["-n", "-r", REALM]).spawn().unwrap();
        kdc.child = Some(child);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the KDC listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        kdc
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn keytab(&self) -> PathBuf {
        self.path("http.keytab")
    }

    fn write_config(&self, port: u16) {
        let client = format!(
            "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n\
             rdns = false\n[realms]\n{REALM} = {{\nkdc = tcp/127.0.0.1:{port}\n}}\n"
        );
        let folder = self.folder.path().display();
        let server = format!(
            "[kdcdefaults]\nkdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n{REALM} = {{\n\
             database_name = {folder}/principals\nkey_stash_file = {folder}/stash\nacl_file = {folder}/acl\n}}\n\
             [logging]\nkdc = FILE:{folder}/kdc.log\n"
        );
        std::fs::write(self.path("krb5.conf"), client).unwrap();
        std::fs::write(self.path("kdc.conf"), server).unwrap();
    }

    /// A program in this realm; tickets go to a cache of their own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // Servers' programs are not in everybody's path.
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        command
            .env("PATH", path)
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5CCNAME", format!("FILE:{}", self.path("tickets").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, program: &str, args: &[&str], input: &str) {
        let mut child = self.command(program).args(args).spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// From now on tickets are this person's.
    pub fn log_in(&self, person: &str) {
        self.run("kinit", &[person], &format!("{person}\n"));
    }

    /// From now on tickets are the service's own.
    pub fn log_in_as_service(&self) {
        let keytab = self.keytab();
        self.run("kinit", &["-k", "-t", keytab.to_str().unwrap(), "HTTP/localhost"], "");
    }

    pub fn log_out(&self) {
        self.run("kdestroy", &[], "");
    }

    /// curl with the present ticket: headers and body.
    pub fn curl(&self, url: &str, more: &[&str]) -> String {
        let jar = self.path("cookies");
        let done = self
            .command("curl")
            .args(["--silent", "--include", "--max-time", "20", "--negotiate", "--user", ":", "--cookie-jar"])
            .arg(&jar)
            .args(more)
            .arg(url)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}
