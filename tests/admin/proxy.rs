//! Behind nginx with TLS, set up as docs/nginx.conf says.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::browser::{PASSWORD, encode, password_file, said, token};
use crate::netns::{lab, wait_until};
use crate::program::Program;
use crate::scene::{Folder, cable};
use crate::skip::skipped;

const NGINX: &str = "/usr/sbin/nginx";
const SITE: &str = "https://router.example:8443";

/// nginx before the program; killed when this is dropped.
struct Proxy(Child);

impl Proxy {
    /// Writes its configuration and a certificate into the folder, and starts it.
    fn start(folder: &Folder, program: &Program) -> Self {
        let (key, certificate) = (folder.path("key.pem"), folder.path("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
            .args([
                "-days",
                "2",
                "-subj",
                "/CN=router.example",
                "-addext",
                "subjectAltName=DNS:router.example",
            ])
            .args(["-keyout", &key, "-out", &certificate])
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // The program is on a port of its own here.
        let ours = include_str!("../../docs/nginx.conf");
        assert!(ours.contains("127.0.0.1:6677;"));
        let ours = ours.replace("127.0.0.1:6677", &program.address.to_string());
        let pid = folder.path("nginx.pid");
        let scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", folder.path(kind)))
            .concat();
        let text = format!(
            "daemon off;\nuser root;\npid {pid};\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{scratch}\
             server {{\nlisten 127.0.0.1:8443 ssl;\nserver_name router.example;\nssl_certificate {certificate};\n\
             ssl_certificate_key {key};\n{ours}}}\n}}\n"
        );
        let configuration = folder.path("nginx.conf");
        fs::write(&configuration, text).expect("a file");
        let child = Command::new(NGINX)
            .args(["-e", "stderr", "-c", &configuration])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let mut proxy = Self(child);
        wait_until("nginx listens", || {
            assert!(proxy.0.try_wait().expect("a child can be waited for").is_none(), "nginx has ended");
            fs::read_to_string(&pid).is_ok_and(|pid| !pid.trim().is_empty())
        });
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its worker ends with it.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Somebody at the proxy, with a jar of cookies.
struct Curl<'a>(&'a Folder);

impl Curl<'_> {
    /// What curl prints with these options.
    fn run(&self, options: &[&str], path: &str) -> String {
        let jar = self.0.path("cookies");
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--resolve", "router.example:8443:127.0.0.1"])
            .args(["--cacert", &self.0.path("certificate.pem"), "--cookie", &jar, "--cookie-jar", &jar])
            .args(options)
            .arg(format!("{SITE}{path}"))
            .output()
            .expect("curl is installed");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn get(&self, path: &str) -> String {
        self.run(&["--fail"], path)
    }

    /// Sends a form as a browser does, and returns the head of the answer.
    fn post(&self, form: &[&str], path: &str) -> String {
        let origin = format!("Origin: {SITE}");
        let answer = ["--dump-header", "-", "--output", "/dev/null", "--header", &origin];
        self.run(&[&answer[..], form].concat(), path)
    }

    /// What the forms' page says of the latest action.
    fn said(&self) -> String {
        said(&self.get("/traffic/admin/"))
    }
}

#[test]
fn behind_nginx_with_tls_all_is_as_without() {
    if !Path::new(NGINX).exists() {
        return skipped(
            "behind_nginx_with_tls_all_is_as_without",
            "nginx is not installed (Debian: nginx-light)",
        );
    }
    let Some(lab) = lab("behind_nginx_with_tls_all_is_as_without", cable) else { return };
    let folder = Folder::new("admin-proxy");
    let (directory, password) = (folder.path("books"), password_file("admin-proxy"));
    let options = [
        ["-i", "lan0"],
        ["--dir", &directory],
        ["--password-file", password.to_str().expect("UTF-8")],
        ["--base", "/traffic"],
        ["--host-name", "router.example"],
    ];
    let program = Program::start(&lab, "router", options.as_flattened());
    program.inside(|_| {
        let _proxy = Proxy::start(&folder, &program);
        let curl = Curl(&folder);
        read(&curl);
        let token = log_in(&curl);
        let token = format!("token={token}");
        curl.post(&["--data", &token], "/traffic/admin/snapshot");
        assert!(curl.said().ends_with(" bytes was saved."), "{}", curl.said());
        restore(&curl, &folder, &token);
        curl.post(&["--data", &token], "/traffic/admin/logout");
        assert!(!curl.get("/traffic/admin/").contains("/admin/reset"));
    });
}

/// The pages, what they load, and what they lead to.
fn read(curl: &Curl) {
    let page = curl.run(&["--fail", "--location"], "/traffic");
    assert!(page.contains("<title>") && page.contains("href=\"/traffic/hosts/"), "{page}");
    let (_, style) = page.split_once("<link rel=\"stylesheet\" href=\"").expect("it has a style");
    let style = curl.run(&["--fail", "--compressed"], style.split('"').next().unwrap_or_default());
    assert!(style.contains("figcaption"), "{style}");
    let summary: Value =
        serde_json::from_str(&curl.run(&["--fail", "--compressed"], "/traffic/api/v1/summary"))
            .expect("JSON");
    assert_eq!(summary["interface"], "lan0");
}

/// Logs in, and returns the token of the forms.
fn log_in(curl: &Curl) -> String {
    let form = format!("password={}", encode(PASSWORD));
    let head = curl.post(&["--data", &form], "/traffic/admin/login");
    assert!(head.contains(" 303 ") && head.contains("ocation: /traffic/admin/"), "{head}");
    assert!(head.contains("; Path=/traffic/admin; HttpOnly; SameSite=Strict; Secure"), "{head}");
    token(&curl.get("/traffic/admin/"))
}

/// A state goes out and comes back. What is larger than nginx lets pass by itself comes as far as the program.
fn restore(curl: &Curl, folder: &Folder, token: &str) {
    let state = folder.path("state");
    curl.run(&["--fail", "--output", &state], "/traffic/admin/duskwatch.snapshot");
    let file = format!("state=@{state}");
    let path = format!("/traffic/admin/restore?{token}");
    let head = curl.post(&["--form", &file], &path);
    assert!(head.contains(" 303 "), "{head}");
    assert!(curl.said().starts_with("The books are restored;"), "{}", curl.said());
    fs::write(&state, vec![0; 2_000_000]).expect("a file");
    let head = curl.post(&["--form", &file], &path);
    assert!(head.contains(" 303 "), "{head}");
    assert_eq!(curl.said(), "Not done: it is larger than a snapshot of these books can be");
}
