# Writes inst/AUTHORS and LICENSE.note: the authors and the licences of the crates compiled into the package.
# Run in the root of the package after a change of src/rust/Cargo.lock: Rscript tools/authors.R

manifest <- file.path("src", "rust", "Cargo.toml")
cargo <- function(...) system2("cargo", c(..., "--locked", "--manifest-path", manifest), stdout = TRUE)

# What the static library is made of on any platform: no build scripts' crates, no test crates.
tree <- cargo("tree", "--prefix", "none", "--edges", "normal", "--target", "all", "--format", "'{p}'")
compiled <- unique(sub("^(\\S+) v(\\S+).*", "\\1 \\2", tree))

packages <- jsonlite::fromJSON(paste(cargo("metadata", "--format-version", "1"), collapse = ""))$packages
packages <- packages[!is.na(packages$source) & paste(packages$name, packages$version) %in% compiled, ]
packages <- packages[order(packages$name, packages$version), ]

authors <- vapply(packages$authors, function(names) {
  names <- sub(" *<[^>]*>", "", names)
  if (length(names) == 0) "its contributors" else paste(names, collapse = ", ")
}, "")

dir.create("inst", showWarnings = FALSE)
writeLines(
  c(
    "The engine of rxscale is compiled from its own sources and from these crates:",
    "",
    sprintf("%s %s: %s", packages$name, packages$version, authors)
  ),
  file.path("inst", "AUTHORS")
)
writeLines(
  c(
    "The engine of rxscale is compiled with these crates, each under its own licence:",
    "",
    sprintf("%1$s %2$s: %3$s (https://crates.io/crates/%1$s)", packages$name, packages$version, packages$license)
  ),
  "LICENSE.note"
)
