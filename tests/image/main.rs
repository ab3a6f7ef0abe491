//! The container image: packed twice, opened with other people's tools, and run by runc in a network
//! namespace, as an ordinary user with one capability. `make test-image` runs it.
#![cfg(feature = "daemon")]

#[path = "../support/command.rs"]
mod command;
mod container;
#[path = "../support/netns.rs"]
mod netns;
#[path = "../support/sensor.rs"]
mod sensor;
#[path = "../support/skip.rs"]
mod skip;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{output, run};
use container::{Bundle, Capability, Container};
use netns::wait_until;
use rustix::process::geteuid;
use sensor::{field, has_raw_sockets_alone, send, sensor_and_client, sent_by_client, try_json};
use serde_json::{Value, json};
use skip::skipped;

/// The image's user and group.
const USER: u32 = 6677;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the target directory can be written");
    path
}

/// Packs the image into a file of this directory.
fn pack(directory: &Path, name: &str) -> PathBuf {
    let file = directory.join(name);
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/linux/image"));
    run(script.arg("linux/amd64").arg(&file).env("SOURCE_DATE_EPOCH", "1700000000"));
    file
}

/// The image as umoci unpacks it, for runc.
fn unpack(directory: &Path) -> Bundle {
    let file = pack(directory, "image.tar");
    let layout = directory.join("layout");
    fs::create_dir(&layout).expect("the directory is new");
    run(Command::new("tar").arg("-xf").arg(file).arg("-C").arg(&layout));
    let bundle = directory.join("bundle");
    let image = format!("{}:{VERSION}", layout.display());
    run(Command::new("umoci").args(["unpack", "--image", &image]).arg(&bundle));
    Bundle::unpacked(bundle)
}

#[test]
fn the_script_is_clean() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/linux/image");
    match Command::new("shellcheck").arg(script).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => skipped("the_script_is_clean", "needs shellcheck"),
    }
}

#[test]
#[ignore = "needs the static program and umoci: run `make test-image`"]
fn the_same_program_gives_the_same_bytes() {
    let directory = directory("image-twice");
    let [one, other] =
        ["one.tar", "other.tar"].map(|name| fs::read(pack(&directory, name)).expect("it is there"));
    assert!(one == other, "two images of one program differ");
}

#[test]
#[ignore = "needs the static program, umoci and skopeo: run `make test-image`"]
fn it_says_how_it_is_run() {
    let file = pack(&directory("image-config"), "image.tar");
    // The same file is an image for both worlds.
    for transport in ["oci-archive", "docker-archive"] {
        let image = format!("{transport}:{}", file.display());
        let config = output(Command::new("skopeo").args(["inspect", "--raw", "--config", &image]));
        let config: Value = serde_json::from_str(&config).expect("a configuration is JSON");
        assert_eq!((&config["os"], &config["architecture"]), (&json!("linux"), &json!("amd64")));
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        let config = &config["config"];
        assert_eq!(config["User"], format!("{USER}:{USER}"));
        assert_eq!(config["Volumes"], json!({"/var/lib/duskwatch": {}}));
        assert_eq!(
            config["Entrypoint"],
            json!(["/usr/bin/duskwatch", "--config", "/etc/duskwatch.conf", "--dir", "/var/lib/duskwatch"])
        );
        assert_eq!(config["Healthcheck"]["Test"], json!(health_check()));
        let labels = &config["Labels"];
        assert_eq!(labels["org.opencontainers.image.version"], VERSION);
        assert_eq!(labels["org.opencontainers.image.licenses"], "MIT OR Apache-2.0");
    }
    let manifest =
        output(Command::new("skopeo").args(["inspect", "--raw", &format!("oci-archive:{}", file.display())]));
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest is JSON");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.image.config.v1+json");
}

fn health_check() -> [&'static str; 5] {
    ["CMD", "/usr/bin/duskwatch", "--config", "/etc/duskwatch.conf", "--check-health"]
}

#[test]
#[ignore = "needs the static program and umoci: run `make test-image`"]
fn it_holds_the_program_and_what_it_needs() {
    if !geteuid().is_root() {
        return skipped("it_holds_the_program_and_what_it_needs", "owners can be unpacked by root alone");
    }
    let root = unpack(&directory("image-files")).directory.join("rootfs");
    let listing =
        output(Command::new("find").arg(&root).args(["-mindepth", "1", "-printf", "%M %U:%G /%P\n"]));
    // The table of vendors is there if its source was.
    let mut listing: Vec<&str> = listing.lines().filter(|line| !line.contains(" /usr/share")).collect();
    listing.sort_by_key(|line| line.rsplit(' ').next());
    let expected = [
        "drwxr-xr-x 0:0 /etc",
        "-rw-r--r-- 0:0 /etc/duskwatch.conf",
        "-rw-r--r-- 0:0 /etc/group",
        "-rw-r--r-- 0:0 /etc/passwd",
        "drwxr-xr-x 0:0 /usr",
        "drwxr-xr-x 0:0 /usr/bin",
        "-rwxr-xr-x 0:0 /usr/bin/duskwatch",
        "drwxr-xr-x 0:0 /var",
        "drwxr-xr-x 0:0 /var/lib",
        "drwx------ 6677:6677 /var/lib/duskwatch",
    ];
    assert_eq!(listing, expected);
    let program = root.join("usr/bin/duskwatch");
    let capabilities = output(Command::new("/sbin/getcap").arg(&program));
    assert_eq!(capabilities.trim_end(), format!("{} cap_net_raw=p", program.display()));
}

#[test]
#[ignore = "needs the static program, umoci and runc: run `make test-image`"]
fn it_counts_remembers_and_tells_its_health() {
    const TEST: &str = "it_counts_remembers_and_tells_its_health";
    if !geteuid().is_root() {
        return skipped(TEST, "runc needs root to put a container into a network namespace");
    }
    let lab = match sensor_and_client("image") {
        Ok(lab) => lab,
        Err(reason) => return skipped(TEST, &reason),
    };
    let directory = directory("image-run");
    let bundle = unpack(&directory);
    let state = volume(&directory);
    let container = |capability| Container::new(&bundle, &lab.file("sensor"), &state, capability);

    // Before anything runs, the health check has nobody to ask.
    let (status, said) = container(Capability::OfTheFile).run(&health_check()[1..]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("does not answer"), "{said}");

    // Without the capability, it says what to do.
    let (status, said) = container(Capability::None).run_image(&["-i", "eth0"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("--cap-add NET_RAW"), "{said}");

    for (round, capability) in [Capability::OfTheFile, Capability::Ambient].into_iter().enumerate() {
        let mut container = container(capability);
        container.start_image(&["-i", "eth0", "--no-dns"]);
        wait_until("the pages answer", || try_json(&lab, "/api/v1/about").is_some());
        let status = container.process_status();
        assert_eq!(field(&status, "Uid:"), [USER; 4].map(|user| user.to_string()).join("\t"));
        has_raw_sockets_alone(&status);

        // What an earlier round has counted was restored from the volume.
        send(&lab, 100);
        let expected = 100 * (round as u64 + 1);
        wait_until("all packets are on the page", || sent_by_client(&lab) >= expected);
        assert_eq!(sent_by_client(&lab), expected);

        tells_its_health(&container);
        container.signal("USR1");
        wait_until("a snapshot is in the volume", || state.join("duskwatch.snapshot").exists());
        assert_eq!(container.end(), Some(0));
    }
}

/// A directory that an engine has made for the image's user.
fn volume(directory: &Path) -> PathBuf {
    let volume = directory.join("volume");
    fs::create_dir(&volume).expect("the directory is new");
    fs::set_permissions(&volume, Permissions::from_mode(0o700)).expect("it is ours");
    chown(&volume, Some(USER), Some(USER)).expect("root may give it away");
    volume
}

/// Checks that a running program is healthy, that one that does not answer is not, and that it recovers.
fn tells_its_health(container: &Container<'_>) {
    let check = &health_check()[1..];
    assert_eq!(container.exec(check), Some(0));
    container.signal("STOP");
    assert_eq!(container.exec(check), Some(1));
    container.signal("CONT");
    assert_eq!(container.exec(check), Some(0));
}
