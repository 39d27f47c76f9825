// SPDX-License-Identifier: LGPL-2.1-or-later
//! Numbers and truths as virsh writes them, and as python-kvm reads them.

use crate::value::Value;

/// The units of human sizes, each 1024 times the one before.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A size as virsh shows it: "13.62 GiB".
pub fn human_size(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", UNITS[unit])
}

/// A number with its unit: "3145728 KiB".
pub fn with_unit(number: u64, unit: &str) -> Value {
    Value::String(format!("{number} {unit}"))
}

/// Text as python-kvm takes it from virsh's output.
pub fn converted(words: &str) -> Value {
    let words = words.trim();
    match words {
        "yes" => Value::Bool(true),
        "no" => Value::Bool(false),
        _ if !words.is_empty() && words.bytes().all(|byte| byte.is_ascii_digit()) => {
            words.parse::<u64>().map_or_else(|_| Value::from(words), Value::Uint)
        }
        _ => Value::from(words),
    }
}

/// A whole number in a text, which is read as in all other arguments.
pub fn parse_number<T: TryFrom<i128>>(words: &str) -> Option<T> {
    T::try_from(Value::from(words).whole_number()?).ok()
}

/// The bytes of a size: a number, with a unit or without, when it counts `unit`
/// bytes. The units are libvirt's: "K" and "KiB" are 1024 bytes, "KB" is 1000.
pub fn parse_size(words: &str, unit: u64) -> Option<u64> {
    size_with_unit(words.trim(), unit).or_else(|| parse_number::<u64>(words)?.checked_mul(unit))
}

fn size_with_unit(words: &str, unit: u64) -> Option<u64> {
    let digits = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(words.len());
    let number: u64 = words[..digits].parse().ok()?;
    let suffix = words[digits..].trim().to_ascii_lowercase();
    let scale = match suffix.as_str() {
        "" => unit,
        "b" | "byte" | "bytes" => 1,
        _ => {
            let power = "kmgtpe".find(suffix.chars().next()?)? as u32 + 1;
            match &suffix[1..] {
                "" | "ib" => 1024_u64.checked_pow(power)?,
                "b" => 1000_u64.checked_pow(power)?,
                _ => return None,
            }
        }
    };
    number.checked_mul(scale)
}

/// The parts of a text between commas; two commas are one that belongs to the text.
pub fn fields(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match fields.last_mut() {
            Some(field) if character != ',' || characters.next_if_eq(&',').is_some() => {
                field.push(character);
            }
            _ => fields.push(String::new()),
        }
    }
    fields
}

/// CPUs as "0-3,5".
pub fn ranges(numbers: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let part = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

/// A version of libvirt's: "9.0.0" for 9,000,000.
pub fn dotted(version: u64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_virshs() {
        assert_eq!(human_size(0), "0.00 B");
        assert_eq!(human_size(1023), "1023.00 B");
        assert_eq!(human_size(200_704), "196.00 KiB");
        assert_eq!(human_size(14_629_191_680), "13.62 GiB");
        assert_eq!(human_size(u64::MAX), "16.00 EiB");
    }

    #[test]
    fn sizes_are_read_with_libvirts_units() {
        assert_eq!(parse_size("20G", 1), Some(20 << 30));
        assert_eq!(parse_size("5GiB", 1), Some(5 << 30));
        assert_eq!(parse_size("5 gb", 1), Some(5_000_000_000));
        assert_eq!(parse_size("7", 1024), Some(7168));
        assert_eq!(parse_size("7b", 1024), Some(7));
        assert_eq!(parse_size(" 5e3 ", 2), Some(10_000));
        assert_eq!(parse_size("3333.7", 1), Some(3333));
        for wrong in ["", "G", "5X", "5Gx", "-1", "99999999999E", "1.5G", "5é"] {
            assert_eq!(parse_size(wrong, 1), None, "{wrong}");
        }
    }

    #[test]
    fn fields_are_between_commas() {
        assert_eq!(fields("vda"), ["vda"]);
        assert_eq!(fields("vda,file=/a,,b,x="), ["vda", "file=/a,b", "x="]);
    }

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[0, 2, 4]), "0,2,4");
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
    }

    #[test]
    fn text_is_converted_as_python_kvm_does() {
        assert_eq!(converted(" 12 "), Value::Uint(12));
        assert_eq!(converted("yes"), Value::Bool(true));
        assert_eq!(converted("no"), Value::Bool(false));
        assert_eq!(converted("-1"), Value::from("-1"));
        assert_eq!(converted(""), Value::from(""));
    }
}
