//! The commands of storage pools.

use virt::sys;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::lists::pool_state;
use super::markup::Markup;
use super::{lookup, xml_result};
use crate::core::StoragePool;
use crate::value::{Map, Value};

const POOL: Argument = needed("pool", Kind::Text, "the pool's name or uuid");
const FILE: Argument = needed("file", Kind::Document("pool"), "the pool's definition");
const NAME: Argument = needed("name", Kind::Text, "the pool's name");
const TYPE: Argument = needed("type", Kind::Text, "the kind of pool, like dir");
const BUILD: Argument = flag("build", "build it first");
const OVERWRITE: Argument =
    flag("overwrite", "build over what is there").excludes(&["no_overwrite"]);
const NO_OVERWRITE: Argument = flag("no_overwrite", "build only where nothing is");
const PRINT_XML: Argument = flag("print_xml", "only give the definition as text");
const SOURCE_HOST: Argument = optional("source_host", Kind::Text, "the host of the storage");
const SOURCE_PATH: Argument = optional("source_path", Kind::Text, "the path of the storage");
const SOURCE_DEV: Argument = optional("source_dev", Kind::Text, "the device of the storage");
const SOURCE_NAME: Argument = optional("source_name", Kind::Text, "the name of the storage");
const TARGET: Argument = optional("target", Kind::Text, "where its volumes are on the host");
const SOURCE_FORMAT: Argument = optional("source_format", Kind::Text, "the format of the storage");
const AUTH_TYPE: Argument = optional("auth_type", Kind::Text, "how to log in: chap or ceph");
const AUTH_USERNAME: Argument = optional("auth_username", Kind::Text, "who logs in");
const SECRET_USAGE: Argument =
    optional("secret_usage", Kind::Text, "the password: what a secret is used for")
        .excludes(&["secret_uuid"]);
const SECRET_UUID: Argument = optional("secret_uuid", Kind::Text, "the password: a secret's uuid");
const ADAPTER_NAME: Argument = optional("adapter_name", Kind::Text, "the name of a SCSI adapter");
const ADAPTER_WWNN: Argument =
    optional("adapter_wwnn", Kind::Text, "the node name of a Fibre Channel adapter");
const ADAPTER_WWPN: Argument =
    optional("adapter_wwpn", Kind::Text, "the port name of a Fibre Channel adapter");
const ADAPTER_PARENT: Argument =
    optional("adapter_parent", Kind::Text, "the adapter's parent by its name");
const ADAPTER_PARENT_WWNN: Argument =
    optional("adapter_parent_wwnn", Kind::Text, "the adapter's parent by its node name");
const ADAPTER_PARENT_WWPN: Argument =
    optional("adapter_parent_wwpn", Kind::Text, "the adapter's parent by its port name");
const ADAPTER_PARENT_FABRIC_WWN: Argument =
    optional("adapter_parent_fabric_wwn", Kind::Text, "the adapter's parent by its fabric");
const SOURCE_PROTOCOL_VER: Argument =
    optional("source_protocol_ver", Kind::Text, "the version of NFS");
const SOURCE_INITIATOR: Argument =
    optional("source_initiator", Kind::Text, "the initiator of iSCSI");

const AUTOSTART: Command = Command {
    name: "autostart",
    virsh: "pool-autostart",
    about: "Lets a pool start with the host, or no longer.",
    shape: Shape::None,
    arguments: &[POOL, flag("disable", "no longer")],
    progress: false,
    run: autostart,
};

pub(super) const COMMANDS: &[Command] = &[
    AUTOSTART,
    Command {
        name: "build",
        virsh: "pool-build",
        about: "Makes what a pool needs, such as its directory or file system.",
        // Here it is libvirt that refuses both.
        arguments: &[POOL, flag("overwrite", "build over what is there"), NO_OVERWRITE],
        run: build,
        ..AUTOSTART
    },
    Command {
        name: "conf",
        virsh: "pool-dumpxml",
        about: "Gets the state or the definition of a pool.",
        shape: Shape::Xml,
        arguments: &[POOL, flag("inactive", "as it is defined")],
        run: conf,
        ..AUTOSTART
    },
    Command {
        name: "create",
        virsh: "pool-create",
        about: "Starts a pool that is gone when it stops.",
        arguments: &[FILE, BUILD, OVERWRITE, NO_OVERWRITE],
        run: create,
        ..AUTOSTART
    },
    Command {
        name: "create_as",
        virsh: "pool-create-as",
        about: "Starts a pool that is gone when it stops, without a document.",
        arguments: &[
            NAME,
            TYPE,
            SOURCE_HOST,
            SOURCE_PATH,
            SOURCE_DEV,
            SOURCE_NAME,
            TARGET,
            SOURCE_FORMAT,
            AUTH_TYPE,
            AUTH_USERNAME,
            SECRET_USAGE,
            SECRET_UUID,
            ADAPTER_NAME,
            ADAPTER_WWNN,
            ADAPTER_WWPN,
            ADAPTER_PARENT,
            ADAPTER_PARENT_WWNN,
            ADAPTER_PARENT_WWPN,
            ADAPTER_PARENT_FABRIC_WWN,
            SOURCE_PROTOCOL_VER,
            SOURCE_INITIATOR,
            BUILD,
            OVERWRITE,
            NO_OVERWRITE,
            PRINT_XML,
        ],
        run: create_as,
        ..AUTOSTART
    },
    Command {
        name: "define",
        virsh: "pool-define",
        about: "Defines a pool without starting it, or changes its definition.",
        arguments: &[FILE, flag("validate", "check the definition against libvirt's schema")],
        run: define,
        ..AUTOSTART
    },
    Command {
        name: "define_as",
        virsh: "pool-define-as",
        about: "Defines a pool without starting it, without a document.",
        arguments: &[
            NAME,
            TYPE,
            SOURCE_HOST,
            SOURCE_PATH,
            SOURCE_DEV,
            SOURCE_NAME,
            TARGET,
            SOURCE_FORMAT,
            AUTH_TYPE,
            AUTH_USERNAME,
            SECRET_USAGE,
            SECRET_UUID,
            ADAPTER_NAME,
            ADAPTER_WWNN,
            ADAPTER_WWPN,
            ADAPTER_PARENT,
            ADAPTER_PARENT_WWNN,
            ADAPTER_PARENT_WWPN,
            ADAPTER_PARENT_FABRIC_WWN,
            SOURCE_PROTOCOL_VER,
            SOURCE_INITIATOR,
            PRINT_XML,
        ],
        run: define_as,
        ..AUTOSTART
    },
    Command {
        name: "delete",
        virsh: "pool-delete",
        about: "Removes what a pool has been built on.",
        arguments: &[POOL],
        run: delete,
        ..AUTOSTART
    },
    Command {
        name: "destroy",
        virsh: "pool-destroy",
        about: "Stops a pool. Its volumes stay.",
        arguments: &[POOL],
        run: destroy,
        ..AUTOSTART
    },
    Command {
        name: "info",
        virsh: "pool-info",
        about: "Gets name, uuid, state and sizes of a pool.",
        shape: Shape::Dict,
        arguments: &[POOL, flag("bytes", "sizes in bytes")],
        run: info,
        ..AUTOSTART
    },
    Command {
        name: "name",
        virsh: "pool-name",
        about: "Gets the name of a pool by its uuid.",
        shape: Shape::Str,
        arguments: &[needed("pool", Kind::Text, "the pool's uuid")],
        run: name,
        ..AUTOSTART
    },
    Command {
        name: "refresh",
        virsh: "pool-refresh",
        about: "Looks for new and changed volumes of a pool.",
        arguments: &[POOL],
        run: refresh,
        ..AUTOSTART
    },
    Command {
        name: "start",
        virsh: "pool-start",
        about: "Starts a defined pool.",
        arguments: &[POOL, BUILD, OVERWRITE, NO_OVERWRITE],
        run: start,
        ..AUTOSTART
    },
    Command {
        name: "undefine",
        virsh: "pool-undefine",
        about: "Forgets the definition of a pool.",
        arguments: &[POOL],
        run: undefine,
        ..AUTOSTART
    },
    Command {
        name: "uuid",
        virsh: "pool-uuid",
        about: "Gets the uuid of a pool by its name.",
        shape: Shape::Str,
        arguments: &[needed("pool", Kind::Text, "the pool's name")],
        run: uuid,
        ..AUTOSTART
    },
];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    let mark = if call.flag("disable") { "unmark" } else { "mark" };
    pool.set_autostart(!call.flag("disable"))
        .or_say(|| format!("failed to {mark} pool {name} as autostarted"))?;
    Ok(format!("Pool {name} {mark}ed as autostarted").into())
}

fn build(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    let flags = call.flags(&[
        ("overwrite", sys::VIR_STORAGE_POOL_BUILD_OVERWRITE),
        ("no_overwrite", sys::VIR_STORAGE_POOL_BUILD_NO_OVERWRITE),
    ]);
    pool.build(flags).or_say(|| format!("Failed to build pool {name}"))?;
    Ok(format!("Pool {name} built").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[("inactive", sys::VIR_STORAGE_XML_INACTIVE)]);
    xml_result::document(&call.pool("pool")?.get_xml_description(flags)?, "pool", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let document = call.document("file")?;
    let pool = call
        .conn()
        .create_storage_pool(&document.xml, flags)
        .or_say(|| format!("Failed to create pool from {}", document.file))?;
    Ok(format!("Pool {} created from {}", name_of(&pool)?, document.file).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let markup = described(call)?;
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    let name = call.needed_str("name")?;
    call.conn()
        .create_storage_pool(&markup.xml()?, flags)
        .or_say(|| format!("Failed to create pool {name}"))?;
    Ok(format!("Pool {name} created").into())
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.document("file")?;
    let flags = call.flags(&[("validate", sys::VIR_STORAGE_POOL_DEFINE_VALIDATE)]);
    let pool = call
        .conn()
        .define_storage_pool(&document.xml, flags)
        .or_say(|| format!("Failed to define pool from {}", document.file))?;
    Ok(format!("Pool {} defined from {}", name_of(&pool)?, document.file).into())
}

fn define_as(call: &mut Call<'_>) -> Outcome {
    let markup = described(call)?;
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    let name = call.needed_str("name")?;
    call.conn()
        .define_storage_pool(&markup.xml()?, 0)
        .or_say(|| format!("Failed to define pool {name}"))?;
    Ok(format!("Pool {name} defined").into())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    pool.delete(0).or_say(|| format!("Failed to delete pool {name}"))?;
    Ok(format!("Pool {name} deleted").into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    pool.destroy().or_say(|| format!("Failed to destroy pool {name}"))?;
    Ok(format!("Pool {name} destroyed").into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let info = Value::Map(pool.get_info()?);
    let state = pool_state(&info);
    let mut map = Map::with_capacity(8);
    map.push_new("name", call.converted(&name_of(&pool)?));
    map.push_new("uuid", shown(&pool.get_uuid_string()?));
    map.push_new("state", state);
    map.push_new("persistent", pool.is_persistent()?);
    // Not there for every pool.
    match pool.get_autostart() {
        Ok(autostart) => map.push_new("autostart", autostart),
        Err(_) => map.push_new("autostart", "no autostart"),
    }
    if ["running", "degraded"].contains(&state) {
        for name in ["capacity", "allocation", "available"] {
            let size = info.get_uint64(name)?;
            let size = if call.flag("bytes") { size.into() } else { call.bytes(size) };
            map.push_new(name, size);
        }
    }
    Ok(map.into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    let conn = call.conn();
    let uuid = call.needed_text("pool")?;
    let pool = lookup::by_uuid("pool", uuid, |uuid| conn.get_storage_pool_by_uuid(uuid))?;
    Ok(name_of(&pool)?.into())
}

fn refresh(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    pool.refresh(0).or_say(|| format!("Failed to refresh pool {name}"))?;
    Ok(format!("Pool {name} refreshed").into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    pool.create(flags).or_say(|| format!("Failed to start pool {name}"))?;
    Ok(format!("Pool {name} started").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("pool")?;
    pool.undefine().or_say(|| format!("Failed to undefine pool {name}"))?;
    Ok(format!("Pool {name} has been undefined").into())
}

fn uuid(call: &mut Call<'_>) -> Outcome {
    let name = call.needed_text("pool")?;
    let pool = call
        .conn()
        .get_storage_pool_by_name(name)
        .or_say(|| format!("failed to get pool '{}'", shown(name)))?;
    Ok(shown(&pool.get_uuid_string()?).into())
}

/// What starting a pool does first.
fn start_flags(call: &Call<'_>) -> u32 {
    call.flags(&[
        ("build", sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD),
        ("overwrite", sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE),
        ("no_overwrite", sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE),
    ])
}

/// The definition that the arguments describe.
fn described(call: &Call<'_>) -> std::result::Result<Markup, Failure> {
    let mut markup = Markup::default();
    markup.open("pool", &[("type", call.str("type"))]);
    markup.leaf_of("name", call.str("name"));
    source(call, &mut markup);
    if let Some(target) = call.str("target") {
        markup.open("target", &[]);
        markup.leaf("path", target);
        markup.close("target");
    }
    markup.close("pool");
    Ok(markup)
}

fn source(call: &Call<'_>, markup: &mut Markup) {
    const PARTS: [&str; 13] = [
        "source_host",
        "source_path",
        "source_dev",
        "source_name",
        "source_format",
        "source_protocol_ver",
        "source_initiator",
        "auth_type",
        "auth_username",
        "secret_usage",
        "secret_uuid",
        "adapter_name",
        "adapter_wwnn",
    ];
    if !PARTS.iter().any(|part| call.given(part)) {
        return;
    }
    markup.open("source", &[]);
    markup.empty_of("host", "name", call.str("source_host"));
    markup.empty_of("dir", "path", call.str("source_path"));
    markup.empty_of("device", "path", call.str("source_dev"));
    if call.given("source_initiator") {
        markup.open("initiator", &[]);
        markup.empty_of("iqn", "name", call.str("source_initiator"));
        markup.close("initiator");
    }
    adapter(call, markup);
    login(call, markup);
    markup.empty_of("format", "type", call.str("source_format"));
    markup.leaf_of("name", call.str("source_name"));
    markup.empty_of("protocol", "ver", call.str("source_protocol_ver"));
    markup.close("source");
}

fn adapter(call: &Call<'_>, markup: &mut Markup) {
    if !call.given("adapter_wwnn") {
        if let Some(name) = call.str("adapter_name") {
            markup.empty("adapter", &[("type", Some("scsi_host")), ("name", Some(name))]);
        }
        return;
    }
    // One way to name the parent is enough; the first one given counts.
    let by_name = call.str("adapter_parent");
    let by_wwn = |name| if by_name.is_none() { call.str(name) } else { None };
    let node = by_wwn("adapter_parent_wwnn");
    let fabric = if node.is_none() { by_wwn("adapter_parent_fabric_wwn") } else { None };
    markup.empty(
        "adapter",
        &[
            ("type", Some("fc_host")),
            ("parent", by_name),
            ("parent_wwnn", node),
            ("parent_wwpn", by_wwn("adapter_parent_wwpn")),
            ("parent_fabric_wwn", fabric),
            ("wwnn", call.str("adapter_wwnn")),
            ("wwpn", call.str("adapter_wwpn")),
        ],
    );
}

fn login(call: &Call<'_>, markup: &mut Markup) {
    let kind = call.str("auth_type");
    if kind.is_none() {
        return;
    }
    markup.open("auth", &[("type", kind), ("username", call.str("auth_username"))]);
    match call.str("secret_usage") {
        Some(usage) => markup.empty("secret", &[("usage", Some(usage))]),
        None => markup.empty_of("secret", "uuid", call.str("secret_uuid")),
    }
    markup.close("auth");
}

fn name_of(pool: &StoragePool) -> crate::error::Result<String> {
    Ok(pool.get_name()?.to_string_lossy().into_owned())
}
