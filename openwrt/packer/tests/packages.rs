//! What is packed is found again: by our reader, by GNU tar and gzip, and by the shell that runs the scripts.

use std::fs;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use packer::{Contents, Entry, Node, Package, Tree, apk, ipk};
use sha2::{Digest, Sha256};

mod support;
use support::{FILES, TIME, directory, lay_out, luci_package, output, packer, program, small_package};

/// What a reader must find of a tree.
fn expected(tree: &Tree, directories_have_times: bool) -> Vec<Entry> {
    let mut entries: Vec<_> = tree
        .iter()
        .map(|(path, node)| {
            let (mode, content) = match node {
                Node::Directory => (0o755, None),
                Node::File { mode, content } => (*mode, Some(content.clone())),
            };
            let time = (directories_have_times || content.is_some()).then_some(u64::from(TIME));
            Entry { path: path.to_owned(), mode, time, content }
        })
        .collect();
    sort(&mut entries);
    entries
}

/// The formats order files differently among directories.
fn sort(entries: &mut [Entry]) {
    entries.sort_by(|one, other| one.path.cmp(&other.path));
}

fn read(bytes: &[u8]) -> Contents {
    let mut contents = packer::read(bytes).expect("it is whole");
    sort(&mut contents.entries);
    contents
}

#[test]
fn the_reader_finds_in_an_ipk_what_was_packed() {
    for package in [support::package(), luci_package()] {
        let contents = read(&ipk::write(&package).expect("it is written"));
        assert_eq!(contents.entries, expected(&package.tree, true));
        assert_eq!(contents.field("Package"), Some(package.description.name));
        assert_eq!(contents.field("Version"), Some("1.2.3-r1"));
        let depends = package.description.depends.join(", ");
        assert_eq!(contents.field("Depends"), Some(depends.as_str()));
        assert_eq!(contents.field("Require-User"), package.description.user);
        assert_eq!(contents.field("Architecture"), Some(package.architecture.as_deref().unwrap_or("all")));
        assert_eq!(contents.field("SourceDateEpoch"), Some("1763775600"));
        let configuration = package.description.user.map(|_| "/etc/config/duskwatch\n");
        assert_eq!(contents.script("conffiles"), configuration);
    }
}

#[test]
fn the_control_fields_are_in_their_order() {
    let names = |package: &Package| {
        let fields = read(&ipk::write(package).expect("it is written")).fields;
        fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        names(&small_package()),
        "Package Version Depends Source SourceName License Section Require-User SourceDateEpoch Architecture \
         Installed-Size Description"
    );
    assert_eq!(ipk::file_name(&small_package()), "duskwatch_1.2.3-r1_mipsel_24kc.ipk");
    assert_eq!(ipk::file_name(&luci_package()), "luci-app-duskwatch_1.2.3-r1_all.ipk");
    assert_eq!(apk::file_name(&small_package()), "duskwatch-1.2.3-r1.apk");
}

#[test]
fn the_reader_finds_in_an_apk_what_was_packed() {
    for package in [support::package(), luci_package()] {
        let contents = read(&apk::write(&package).expect("it is written"));
        // What OpenWrt's scripts look up comes on top.
        let mut tree = package.tree.clone();
        let base = format!("lib/apk/packages/{}", package.description.name);
        let mut list: Vec<_> = package.tree.files().map(|(path, ..)| format!("/{path}\n")).collect();
        if package.description.user.is_some() {
            list.push(format!("/{base}.rusers\n"));
            let hash: String = Sha256::digest(FILES[0].2).iter().map(|byte| format!("{byte:02x}")).collect();
            for (end, text) in [
                ("rusers", "duskwatch:duskwatch\n".to_owned()),
                ("conffiles", "/etc/config/duskwatch\n".to_owned()),
                ("conffiles_static", format!("/etc/config/duskwatch {hash}\n")),
            ] {
                tree.insert(&format!("{base}.{end}"), 0o644, text.into_bytes()).expect("new");
            }
        }
        list.sort();
        tree.insert(&format!("{base}.list"), 0o644, list.concat().into_bytes()).expect("new");
        assert_eq!(contents.entries, expected(&tree, false));

        let size: usize = tree.files().map(|(_, _, content)| content.len()).sum();
        let mut depends = package.description.depends.to_vec();
        depends.sort_unstable();
        for (name, value) in [
            ("name", package.description.name),
            ("version", "1.2.3-r1"),
            ("arch", package.architecture.as_deref().unwrap_or("noarch")),
            ("build-time", "1763775600"),
            ("installed-size", size.to_string().as_str()),
            ("depends", &depends.join(" ")),
            ("description", package.description.summary),
        ] {
            assert_eq!(contents.field(name), Some(value), "{name}");
        }
    }
}

/// GNU tar's listing of a gzip'd tar: mode, owner, size, date, time and name of each entry.
fn listing(archive: &Path) -> Vec<String> {
    output(Command::new("gzip").arg("--test").arg(archive));
    let text = output(
        Command::new("tar")
            .args(["--numeric-owner", "--full-time", "--utc", "-tvzf"])
            .arg(archive)
            .env("LC_ALL", "C"),
    );
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn gnu_tar_and_gzip_open_an_ipk() {
    let top = directory("gnu");
    let package = support::package();
    let file = top.join("x.ipk");
    fs::write(&file, ipk::write(&package).expect("it is written")).expect("a file");
    let members = listing(&file);
    output(Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&top));
    let size = |name: &str| fs::metadata(top.join(name)).expect("the member").len();
    let date = "2025-11-22 01:40:00";
    assert_eq!(
        members,
        ["debian-binary", "data.tar.gz", "control.tar.gz"]
            .map(|name| format!("-rw-r--r-- 0/0 {} {date} ./{name}", size(name)))
    );
    assert_eq!(fs::read(top.join("debian-binary")).expect("the member"), b"2.0\n");

    let line = |path: &str, node: &Node| match node {
        Node::Directory if path.is_empty() => format!("drwxr-xr-x 0/0 0 {date} ./"),
        Node::Directory => format!("drwxr-xr-x 0/0 0 {date} ./{path}/"),
        Node::File { mode, content } => {
            let mode = match mode {
                0o600 => "-rw-------",
                0o644 => "-rw-r--r--",
                _ => "-rwxr-xr-x",
            };
            format!("{mode} 0/0 {} {date} ./{path}", content.len())
        }
    };
    let wanted: Vec<_> = package.tree.iter().map(|(path, node)| line(path, node)).collect();
    assert_eq!(listing(&top.join("data.tar.gz")), wanted);

    let names = |line: &String| {
        line.split_once(" 0/0 ")
            .map(|(mode, _)| mode.to_owned() + " " + line.rsplit(' ').next().expect("a name"))
    };
    let control: Vec<_> = listing(&top.join("control.tar.gz")).iter().filter_map(names).collect();
    assert_eq!(
        control,
        [
            "drwxr-xr-x ./",
            "-rw-r--r-- ./conffiles",
            "-rw-r--r-- ./control",
            "-rwxr-xr-x ./postinst",
            "-rwxr-xr-x ./postinst-pkg",
            "-rwxr-xr-x ./postrm",
            "-rwxr-xr-x ./prerm"
        ]
    );

    // Unpacked as a router would, with the modes and times asked for.
    let root = directory("gnu-root");
    output(Command::new("tar").arg("-xpzf").arg(top.join("data.tar.gz")).arg("-C").arg(&root));
    for (path, node) in package.tree.iter() {
        let metadata = fs::metadata(root.join(path)).expect("it is there");
        let mode = match node {
            Node::Directory => 0o755,
            Node::File { mode, content } => {
                assert_eq!(&fs::read(root.join(path)).expect("it is a file"), content, "{path}");
                *mode
            }
        };
        assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (mode, i64::from(TIME)), "{path}");
    }
    let tar = Command::new("gzip").args(["-dc"]).arg(top.join("data.tar.gz")).output().expect("gzip").stdout;
    output(Command::new("tar").arg("-xzf").arg(top.join("control.tar.gz")).arg("-C").arg(&top));
    let control = fs::read_to_string(top.join("control")).expect("the control file");
    assert!(control.contains(&format!("\nInstalled-Size: {}\n", tar.len())), "{control}");
}

/// Packs by the command line and returns the file.
fn pack(top: &Path, format: &str) -> Vec<u8> {
    let path = |name: &str| top.join(name).to_str().expect("UTF-8").to_owned();
    let (program, output) = (path("program"), path("out"));
    let arguments = [
        format,
        "mipsel_24kc",
        "--version",
        "1.2.3",
        "--files",
        &path("."),
        "--program",
        &program,
        "-o",
        &output,
    ];
    let run = packer(&arguments, Some("1763775600"));
    assert!(run.status.success(), "{run:?}");
    let name = match format {
        "ipk" => "duskwatch_1.2.3-r1_mipsel_24kc.ipk",
        _ => "mipsel_24kc/duskwatch-1.2.3-r1.apk",
    };
    fs::read(top.join("out").join(name)).expect("the package has that name")
}

#[test]
fn equal_files_give_equal_packages() {
    let one = directory("equal-one");
    lay_out(&one, 0o644, 0o755);
    // Another directory, another umask, another time, and a program that somebody made executable.
    let other = directory("equal-another");
    lay_out(&other, 0o640, 0o700);
    for file in ["program", "files/etc/config/duskwatch", "files/usr/share/empty"] {
        let file = File::options().append(true).open(other.join(file)).expect("the file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).expect("a time");
    }
    output(Command::new("chmod").arg("777").arg(other.join("program")));
    for format in ["ipk", "apk"] {
        let package = pack(&one, format);
        assert!(package == pack(&one, format), "twice the same {format}");
        assert!(package == pack(&other, format), "the same {format} from elsewhere");
        let contents = read(&package);
        let entry = contents.entry("usr/sbin/duskwatch").expect("the program");
        assert_eq!((entry.mode, entry.content.as_deref()), (0o755, Some(program().as_slice())));
        assert_eq!(contents.entry("etc/config/duskwatch").expect("it is there").mode, 0o600);
        assert_eq!(contents.entry("etc/init.d/duskwatch").expect("it is there").mode, 0o755);
        assert_eq!(contents.entry("lib/upgrade/keep.d/duskwatch").expect("it is there").mode, 0o644);
    }
}

#[test]
fn the_pages_for_luci_go_where_luci_looks() {
    let top = directory("luci");
    for (path, content) in [
        ("root/usr/share/luci/menu.d/x.json", "{}"),
        ("htdocs/luci-static/resources/view/x.js", "''"),
        ("po/de/duskwatch.po", "msgid \"yes\"\nmsgstr \"ja\"\n"),
        ("po/templates/duskwatch.pot", "msgid \"yes\"\nmsgstr \"\"\n"),
    ] {
        let path = top.join("luci-app-duskwatch").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }
    let (files, out) = (top.to_str().expect("UTF-8"), top.join("out"));
    for (format, name) in
        [("ipk", "luci-app-duskwatch_1.2.3-r1_all.ipk"), ("apk", "noarch/luci-app-duskwatch-1.2.3-r1.apk")]
    {
        let out = out.to_str().expect("UTF-8");
        let run = packer(&[format, "luci", "--version", "1.2.3", "--files", files, "-o", out], Some("1"));
        assert!(run.status.success(), "{run:?}");
        let file = format!("{out}/{name}");
        let listed = packer(&["list", &file], None);
        assert!(listed.status.success(), "{listed:?}");
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        assert!(listed.contains("0644         2 /www/luci-static/resources/view/x.js\n"), "{listed}");
        assert!(listed.contains("0644         2 /usr/share/luci/menu.d/x.json\n"), "{listed}");
        assert!(listed.contains("0644        24 /usr/lib/lua/luci/i18n/duskwatch.de.lmo\n"), "{listed}");
        assert_eq!(listed.matches(".lmo").count(), 1, "{listed}");
    }
}

#[test]
fn the_table_of_vendors_is_a_package_for_all_architectures() {
    let top = directory("vendors-package");
    fs::create_dir_all(&top).expect("a directory");
    let (table, out) = (top.join("table"), top.join("out"));
    fs::write(&table, "DUSKVND1").expect("a file");
    let (table, out) = (table.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    for (format, name) in
        [("ipk", "duskwatch-vendors_1.2.3-r1_all.ipk"), ("apk", "noarch/duskwatch-vendors-1.2.3-r1.apk")]
    {
        let run =
            packer(&[format, "vendors", "--version", "1.2.3", "--vendors", table, "-o", out], Some("1"));
        assert!(run.status.success(), "{run:?}");
        let listed = packer(&["list", &format!("{out}/{name}")], None);
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        assert!(listed.contains("0644         8 /usr/share/duskwatch/vendors\n"), "{listed}");
        assert!(listed.contains("duskwatch-vendors"), "{listed}");
        let run = packer(&[format, "vendors", "--version", "1.2.3", "-o", out], Some("1"));
        assert!(String::from_utf8_lossy(&run.stderr).contains("--vendors must name the table"), "{run:?}");
    }
}

/// Read as LuCI does it: the last number is the index's place, the index is sorted, each entry says where a text is.
#[test]
fn the_german_translation_is_whole() {
    let po = Path::new(env!("CARGO_MANIFEST_DIR")).join("../luci-app-duskwatch/po/de/duskwatch.po");
    let po = fs::read_to_string(po).expect("the translation");
    let lmo = packer::catalog::compile(&po).expect("it is compiled");
    let number =
        |place: usize| u32::from_be_bytes(lmo[place..place + 4].try_into().expect("four bytes")) as usize;
    let index = number(lmo.len() - 4);
    let entries: Vec<_> = (index..lmo.len() - 4).step_by(16).collect();
    assert!(entries.is_sorted_by_key(|entry| number(*entry)));
    let texts: Vec<_> = entries
        .iter()
        .map(|entry| &lmo[number(entry + 8)..][..number(entry + 12)])
        .map(|text| std::str::from_utf8(text).expect("UTF-8"))
        .collect();
    assert!(texts.contains(&"Eine Datei mit Adressen und Namen."));
    // All but the header, and those that are the same in both languages.
    let pairs = po.split("\n\n").skip(1).filter(|pair| {
        let text = |key| pair.lines().find_map(|line: &str| line.strip_prefix(key));
        text("msgid ") != text("msgstr ")
    });
    assert_eq!(texts.len(), pairs.count());
    assert!(texts.len() > 50);
}

#[test]
fn what_fails_is_one_line() {
    let top = directory("fails");
    lay_out(&top, 0o644, 0o755);
    let top_name = top.to_str().expect("UTF-8");
    let program = top.join("program");
    let program = program.to_str().expect("UTF-8");
    let out = format!("{top_name}/out");
    let common = ["--version", "1.2.3", "--files", top_name, "-o", &out];
    let pack = |what: &[&str]| packer(&[what, common.as_slice()].concat(), Some("1"));
    let refused = |run: std::process::Output, status: i32, words: &str| {
        let error = String::from_utf8(run.stderr).expect("UTF-8");
        assert_eq!(run.status.code(), Some(status), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("packer: ") && error.contains(words), "{error} has not: {words}");
    };
    refused(pack(&["ipk", "mipsel_24kc", "--program", "/nowhere/x"]), 1, "/nowhere/x: No such file");
    refused(pack(&["apk", "mipsel_24kc", "--program", top_name]), 1, "Is a directory");
    refused(pack(&["apk", "mipsel_24kc"]), 1, "--program");
    refused(pack(&["apk", "pdp_11", "--program", program]), 1, "'pdp_11'");
    refused(pack(&["deb", "mipsel_24kc"]), 2, "--help");
    refused(pack(&["ipk", "luci"]), 1, "luci-app-duskwatch/root: No such file");
    let app = top.join("luci-app-duskwatch");
    for path in ["root", "htdocs", "po/de"] {
        fs::create_dir_all(app.join(path)).expect("a directory");
    }
    fs::write(app.join("po/de/duskwatch.po"), "msgid \"a\"\nmsgid_plural \"b\"\n").expect("a file");
    refused(pack(&["ipk", "luci"]), 1, "po/de/duskwatch.po: line 2: no text that can be translated");
    refused(packer(&["ipk", "mipsel_24kc", "--program", program], None), 1, "SOURCE_DATE_EPOCH");
    refused(packer(&["ipk", "x86_64", "--program", program], Some("1")), 1, "--version");
    refused(packer(&["list", program], None), 1, "neither an .apk");

    std::os::unix::fs::symlink("nowhere", top.join("files/etc/link")).expect("a link");
    let link = "files/etc/link: neither a file nor a directory";
    refused(pack(&["ipk", "mipsel_24kc", "--program", program]), 1, link);
    fs::remove_file(top.join("files/etc/link")).expect("the link");
    let twice = top.join("files/usr/sbin");
    fs::create_dir_all(&twice).expect("a directory");
    fs::write(twice.join("duskwatch"), "x").expect("a file");
    refused(
        pack(&["ipk", "mipsel_24kc", "--program", program]),
        1,
        "/usr/sbin/duskwatch would be in the package twice",
    );
    assert!(!Path::new(&out).exists(), "nothing was written");
}

/// Runs a script as a package manager would, with stand-ins for OpenWrt's functions that tell what they see.
fn run_script(name: &str, text: &str, root: &Path, no_script: &str) -> String {
    let script = root.join(name);
    fs::write(&script, text).expect("a file");
    let mut command = Command::new("sh");
    command.arg(&script).arg("configure").env("IPKG_INSTROOT", root).env("IPKG_NO_SCRIPT", no_script);
    output(command.env_remove("PKG_UPGRADE")).replace(root.to_str().expect("UTF-8"), "ROOT")
}

#[test]
fn the_scripts_call_what_openwrt_provides() {
    let root = directory("scripts root");
    fs::create_dir(root.join("lib")).expect("a directory");
    let functions = "add_group_and_user() { echo users $pkgname; }\n\
                     default_postinst() { echo postinst $# $1 $root $pkgname $PKG_UPGRADE; }\n\
                     default_prerm() { echo prerm $# $1 $root $pkgname; }\n";
    let package = support::package();
    let opkg = read(&ipk::write(&package).expect("it is written"));
    let apk = read(&apk::write(&package).expect("it is written"));
    let script = |contents: &Contents, name: &str| contents.script(name).expect("the script").to_owned();
    let run = |contents: &Contents, name: &str| run_script(name, &script(contents, name), &root, "");

    assert_eq!(run(&opkg, "postinst"), "", "without OpenWrt's functions nothing happens, and well");
    fs::write(root.join("lib/functions.sh"), functions).expect("a file");
    assert_eq!(run(&opkg, "postinst"), "postinst 2 ROOT/postinst\n");
    assert_eq!(run(&opkg, "prerm"), "prerm 2 ROOT/prerm\n");
    for name in ["postinst-pkg", "postrm"] {
        assert_eq!(run(&opkg, name), "", "in an image there is no rpcd to tell");
        assert!(script(&opkg, name).contains("/etc/init.d/rpcd reload\n"), "{name}");
    }
    assert_eq!(run_script("postinst", &script(&opkg, "postinst"), &root, "1"), "");

    assert_eq!(run(&apk, "post-install"), "users duskwatch\npostinst 0 ROOT duskwatch\n");
    assert_eq!(run(&apk, "post-upgrade"), "users duskwatch\npostinst 0 ROOT duskwatch 1\n");
    assert_eq!(run(&apk, "pre-deinstall"), "prerm 0 ROOT duskwatch\n");
    assert_eq!(run_script("post-install", &script(&apk, "post-install"), &root, "1"), "");
    assert_eq!(run(&apk, "post-deinstall"), "", "in an image there is no rpcd to tell");
    assert_eq!(script(&apk, "post-deinstall"), script(&opkg, "postrm"));
    assert_eq!(apk.scripts.len(), 4);
    // Nor is anything lost by a package that rpcd never sees.
    let without = Package { tree: Tree::default(), ..package };
    assert_eq!(read(&ipk::write(&without).expect("it is written")).script("postrm"), None);
    assert_eq!(read(&apk::write(&without).expect("it is written")).script("post-deinstall"), None);
}

#[test]
fn every_target_is_cross_built_and_documented() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cross = fs::read_to_string(top.join("openwrt/cross")).expect("the script");
    let readme = fs::read_to_string(top.join("openwrt/README.md")).expect("the documentation");
    for (architecture, target) in packer::ARCHITECTURES {
        assert!(cross.contains(&format!("\n{target})")), "openwrt/cross does not know {target}");
        let documented = readme.lines().any(|line| line.contains(target) && line.contains(architecture));
        assert!(documented, "openwrt/README.md does not say that {target} serves {architecture}");
    }
}
