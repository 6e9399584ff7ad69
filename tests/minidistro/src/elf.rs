//! Which libraries an ELF file provides and needs, in the words of rpm's own dependency generator.

use std::collections::BTreeSet;

use goblin::elf::Elf;

/// `(64bit)` capabilities of one or many files.
#[derive(Debug, Default)]
pub struct Sonames {
    pub provided: BTreeSet<String>,
    /// Plain names of needed libraries, for the closure check.
    pub needed: BTreeSet<String>,
    /// Plain names of provided libraries.
    pub names: BTreeSet<String>,
}

const VERSION_IS_THE_NAME: u16 = 1;

impl Sonames {
    pub fn scan(&mut self, path: &str, content: &[u8]) {
        // Objects and archives hold nothing the linker looks up at run time.
        if !content.starts_with(b"\x7fELF") || path.ends_with(".o") {
            return;
        }
        // What goblin cannot read (a foreign or odd ELF) has no library names for us.
        let Ok(elf) = Elf::parse(content) else { return };
        self.needed.extend(elf.libraries.iter().map(|name| (*name).to_owned()));
        if let Some(soname) = elf.soname {
            self.provided.insert(format!("{soname}()(64bit)"));
            self.provided.extend(versions(&elf).map(|version| format!("{soname}({version})(64bit)")));
            self.names.insert(soname.to_owned());
        }
    }
}

fn versions<'a>(elf: &'a Elf<'a>) -> impl Iterator<Item = &'a str> {
    let definitions = elf.verdef.iter().flat_map(|section| section.iter());
    definitions
        .filter(|definition| definition.vd_flags & VERSION_IS_THE_NAME == 0)
        .filter_map(|definition| definition.iter().next())
        .filter_map(|name| elf.dynstrtab.get_at(name.vda_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_elf_is_passed_over() {
        let mut sonames = Sonames::default();
        sonames.scan("/usr/bin/x", b"#!/bin/sh");
        sonames.scan("/usr/bin/y", b"\x7fELF broken");
        assert!(sonames.provided.is_empty() && sonames.needed.is_empty());
    }

    #[test]
    fn our_own_program_needs_the_c_library() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        let mut sonames = Sonames::default();
        sonames.scan("/x", &program);
        assert!(sonames.needed.contains("libc.so.6"), "{sonames:?}");
        assert!(sonames.provided.is_empty());
    }
}
