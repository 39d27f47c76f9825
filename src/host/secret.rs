//! The commands of secrets.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use virt::sys;
use zeroize::Zeroizing;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::document::unreadable;
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::xml_result;
use crate::core::Secret;
use crate::value::Value;

const SECRET: Argument = needed("secret", Kind::Text, "the secret's uuid");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "conf",
        virsh: "secret-dumpxml",
        about: "Gets the definition of a secret; its value is not in it.",
        shape: Shape::Xml,
        arguments: &[SECRET],
        progress: false,
        run: conf,
    },
    Command {
        name: "define",
        virsh: "secret-define",
        about: "Defines a secret, without its value, or changes its definition.",
        shape: Shape::None,
        arguments: &[
            needed("file", Kind::Document("secret"), "the secret's definition"),
            flag("validate", "check the definition against libvirt's schema"),
        ],
        progress: false,
        run: define,
    },
    Command {
        name: "get_value",
        virsh: "secret-get-value",
        about: "Gets the value of a secret, in base64.",
        shape: Shape::Str,
        arguments: &[SECRET, flag("plain", "as it is: text, or bytes if it is not UTF-8")],
        progress: false,
        run: get_value,
    },
    Command {
        name: "set_value",
        virsh: "secret-set-value",
        about: "Sets the value of a secret.",
        shape: Shape::None,
        arguments: &[
            SECRET,
            optional("base64", Kind::Text, "the value, in base64")
                .unless(&["file"])
                .saying("Input secret value is missing"),
            optional("file", Kind::Text, "the file that holds it, in base64").excludes(&["base64"]),
            flag("plain", "the file holds it as it is").excludes(&["base64"]),
        ],
        progress: false,
        run: set_value,
    },
    Command {
        name: "undefine",
        virsh: "secret-undefine",
        about: "Forgets a secret and its value.",
        shape: Shape::None,
        arguments: &[SECRET],
        progress: false,
        run: undefine,
    },
];

fn conf(call: &mut Call<'_>) -> Outcome {
    xml_result::document(&secret(call)?.get_xml_description(0)?, "secret", &[])
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.document("file")?;
    let flags = call.flags(&[("validate", sys::VIR_SECRET_DEFINE_VALIDATE)]);
    let secret = call
        .conn()
        .define_secret(&document.xml, flags)
        .or_say(|| format!("Failed to set attributes from {}", document.file))?;
    Ok(format!("Secret {} created", shown(&secret.get_uuid_string()?)).into())
}

fn get_value(call: &mut Call<'_>) -> Outcome {
    let value = secret(call)?.get_value(0)?;
    if !call.flag("plain") {
        return Ok(STANDARD.encode(&value).into());
    }
    Ok(match std::str::from_utf8(&value) {
        Ok(text) => text.into(),
        Err(_) => Value::Bytes(value.to_vec()),
    })
}

fn set_value(call: &mut Call<'_>) -> Outcome {
    let secret = secret(call)?;
    let given = match call.str("file") {
        Some(file) => Zeroizing::new(fs::read(file).map_err(|error| unreadable(file, &error))?),
        None => Zeroizing::new(call.needed_text("base64")?.to_bytes().to_vec()),
    };
    let value = match call.flag("plain") {
        true => given,
        false => Zeroizing::new(
            STANDARD
                .decode(given.trim_ascii())
                .map_err(|_| Failure::said("the value of the secret is not base64"))?,
        ),
    };
    secret.set_value(&value, 0).or_say(|| "Failed to set secret value".to_owned())?;
    Ok("Secret value set".into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let secret = secret(call)?;
    let uuid = call.needed_str("secret")?;
    secret.undefine().or_say(|| format!("Failed to delete secret {uuid}"))?;
    Ok(format!("Secret {uuid} deleted").into())
}

fn secret(call: &Call<'_>) -> std::result::Result<Secret, Failure> {
    let uuid = call.needed_text("secret")?;
    call.conn()
        .get_secret_by_uuid(uuid.to_bytes())
        .or_say(|| format!("failed to get secret '{}'", shown(uuid)))
}
