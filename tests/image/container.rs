//! A container of runc, as strict as an engine makes it if it is told to be: no capability but one, no
//! writing but to the volume, and somebody else's network namespace.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::command::{output, run};

/// How the program may come by CAP_NET_RAW.
#[derive(Clone, Copy, Debug)]
pub enum Capability {
    /// Not at all.
    None,
    /// By its file, within the bounding set: `docker run --cap-drop all --cap-add NET_RAW`.
    OfTheFile,
    /// From its parent, without new privileges, so that its file counts for nothing: what Podman does.
    Ambient,
}

/// An unpacked image, with what umoci made of its configuration.
pub struct Bundle {
    /// Where it is.
    pub directory: PathBuf,
    config: Value,
}

impl Bundle {
    /// The one that umoci has unpacked here.
    pub fn unpacked(directory: PathBuf) -> Self {
        let text = fs::read_to_string(directory.join("config.json")).expect("umoci has written it");
        Self { directory, config: serde_json::from_str(&text).expect("a configuration is JSON") }
    }
}

/// A container; it is deleted when this is dropped.
pub struct Container<'a> {
    name: String,
    bundle: &'a Bundle,
    config: Value,
    process: Option<Child>,
}

impl<'a> Container<'a> {
    /// One that is not started yet, in a network namespace, with a volume for its state.
    pub fn new(bundle: &'a Bundle, network: &Path, state: &Path, capability: Capability) -> Self {
        let mut config = bundle.config.clone();
        let (bounding, others) = match capability {
            Capability::None => (json!([]), json!([])),
            Capability::OfTheFile => (json!(["CAP_NET_RAW"]), json!([])),
            Capability::Ambient => (json!(["CAP_NET_RAW"]), json!(["CAP_NET_RAW"])),
        };
        config["process"]["capabilities"] = json!({"bounding": bounding, "effective": others,
            "permitted": others, "inheritable": others, "ambient": others});
        config["process"]["noNewPrivileges"] = json!(matches!(capability, Capability::Ambient));
        config["process"]["terminal"] = json!(false);
        config["root"]["readonly"] = json!(true);
        for mount in config["mounts"].as_array_mut().expect("a list") {
            if mount["destination"] == "/var/lib/duskwatch" {
                *mount = json!({"destination": mount["destination"], "type": "bind", "source": state,
                                "options": ["bind", "rw", "nosuid", "nodev", "noexec"]});
            }
        }
        for namespace in config["linux"]["namespaces"].as_array_mut().expect("a list") {
            if namespace["type"] == "network" {
                namespace["path"] = json!(network);
            }
        }
        let name = format!("duskwatch-test-{}", std::process::id());
        Self { name, bundle, config, process: None }
    }

    /// Runs the image's own command with these options until it ends. Returns its status, and what it said.
    pub fn run_image(self, options: &[&str]) -> (Option<i32>, String) {
        let command = self.own_command(options);
        self.run(&command)
    }

    /// Runs a command in place of the image's own until it ends. Returns its status, and what it said.
    pub fn run(mut self, command: &[impl AsRef<str>]) -> (Option<i32>, String) {
        self.spawn(command);
        let output = self.process.take().expect("it is started").wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Starts the image's own command with these options.
    pub fn start_image(&mut self, options: &[&str]) {
        self.spawn(&self.own_command(options));
        let errors = self.process.as_mut().and_then(|process| process.stderr.take()).expect("it is piped");
        // Its log is the test's.
        std::thread::spawn(move || {
            BufReader::new(errors).lines().map_while(Result::ok).for_each(|line| println!("{line}"));
        });
    }

    fn own_command(&self, options: &[&str]) -> Vec<String> {
        let entrypoint = &self.bundle.config["process"]["args"];
        let mut command: Vec<String> = serde_json::from_value(entrypoint.clone()).expect("a list of words");
        command.extend(options.iter().map(|&word| word.to_owned()));
        command
    }

    fn spawn(&mut self, command: &[impl AsRef<str>]) {
        let words: Vec<&str> = command.iter().map(AsRef::as_ref).collect();
        self.config["process"]["args"] = json!(words);
        let directory = &self.bundle.directory;
        fs::write(directory.join("config.json"), self.config.to_string()).expect("the bundle can be written");
        let mut runc = Command::new("runc");
        runc.arg("run").arg("--bundle").arg(directory).arg(&self.name);
        runc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        self.process = Some(runc.spawn().expect("runc is installed"));
    }

    /// Runs one more command in the running container, as its user, and returns its status.
    pub fn exec(&self, command: &[&str]) -> Option<i32> {
        let mut runc = Command::new("runc");
        runc.arg("exec").arg(&self.name).args(command).stdin(Stdio::null());
        runc.status().expect("runc is installed").code()
    }

    /// Sends the program a signal, `TERM` for one.
    pub fn signal(&self, name: &str) {
        run(Command::new("runc").args(["kill", &self.name, name]));
    }

    /// /proc/PID/status of the program.
    pub fn process_status(&self) -> String {
        let state = output(Command::new("runc").args(["state", &self.name]));
        let state: Value = serde_json::from_str(&state).expect("a state is JSON");
        fs::read_to_string(format!("/proc/{}/status", state["pid"])).expect("it runs")
    }

    /// Ends it as engines do, and returns its status.
    pub fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        self.process.as_mut().expect("it is started").wait().expect("it ends").code()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = Command::new("runc").args(["delete", "--force", &self.name]).stderr(Stdio::null()).status();
        if let Some(process) = &mut self.process {
            let _ = process.wait();
        }
    }
}
