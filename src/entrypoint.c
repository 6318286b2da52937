// The one symbol that R looks up. Everything else is registered by the Rust library linked into this one.

void register_extendr_panic_hook(void);
void R_init_rxscale_extendr(void *dll);

void R_init_rxscale(void *dll) {
  register_extendr_panic_hook();
  R_init_rxscale_extendr(dll);
}
