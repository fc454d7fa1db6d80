// OpenSSL 3 as Swift sees it. Macros that Swift cannot import become `static inline` functions here.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// MARK: TLS contexts and connections

static const char *const shim_alpn_name = "tributary/1";
static const unsigned char shim_alpn_list[] = {11, 't', 'r', 'i', 'b', 'u', 't', 'a', 'r', 'y', '/', '1'};

// Picks our protocol and refuses everything else with an alert; NOACK would go on without a protocol.
static int shim_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                            const unsigned char *in, unsigned int in_length, void *unused) {
    (void)ssl, (void)unused;
    unsigned char *chosen = NULL;
    int result = SSL_select_next_proto(&chosen, out_length, shim_alpn_list, sizeof shim_alpn_list, in, in_length);
    if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// The select callback is not asked about a client that offers no protocol at all, so that client is refused
// here. A client without TLS 1.3 passes on: its version is the error worth telling.
static int shim_client_hello(SSL *ssl, int *alert, void *unused) {
    (void)unused;
    const unsigned char *data = NULL;
    size_t length = 0;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &length))
        return SSL_CLIENT_HELLO_SUCCESS;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &length))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

// 1 on success, unlike SSL_CTX_set_alpn_protos.
static inline int shim_ctx_require_alpn(SSL_CTX *ctx, int is_server) {
    if (is_server) {
        SSL_CTX_set_alpn_select_cb(ctx, shim_alpn_select, NULL);
        SSL_CTX_set_client_hello_cb(ctx, shim_client_hello, NULL);
        return 1;
    }
    return SSL_CTX_set_alpn_protos(ctx, shim_alpn_list, sizeof shim_alpn_list) == 0;
}

// TLS 1.3 and nothing else, no session caches, no tickets: every connection is verified anew.
static inline int shim_ctx_harden(SSL_CTX *ctx) {
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION)
        && SSL_CTX_set_num_tickets(ctx, 0);
}

static inline int shim_ctx_add_chain(SSL_CTX *ctx, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}

static inline int shim_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// An empty memory BIO asks to be tried again instead of reporting the end.
static inline BIO *shim_memory_bio(void) {
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio) BIO_set_mem_eof_return(bio, -1);
    return bio;
}

static inline long shim_bio_contents(BIO *bio, char **out) { return BIO_get_mem_data(bio, out); }

// MARK: Certificates

static inline EVP_PKEY *shim_p256_key(void) { return EVP_EC_gen("P-256"); }

// The index-th subject alternative name of one type (GEN_URI, GEN_DNS, GEN_IPADD), borrowed until the
// names are freed; the number of bytes, or -1 when there are no more.
static inline int shim_alternative_name(const GENERAL_NAMES *names, int type, int index,
                                        const unsigned char **out) {
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != type || index-- > 0) continue;
        const ASN1_STRING *text = type == GEN_IPADD ? name->d.iPAddress : name->d.ia5;
        *out = ASN1_STRING_get0_data(text);
        return ASN1_STRING_length(text);
    }
    return -1;
}

static inline GENERAL_NAMES *shim_certificate_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline GENERAL_NAMES *shim_request_names(X509_REQ *request) {
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    if (!extensions) return NULL;
    GENERAL_NAMES *names = (GENERAL_NAMES *)X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return names;
}

static inline int shim_request_add_extension(X509_REQ *request, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    int done = extension && extensions && sk_X509_EXTENSION_push(extensions, extension) > 0
        && X509_REQ_add_extensions(request, extensions);
    sk_X509_EXTENSION_free(extensions);
    X509_EXTENSION_free(extension);
    return done;
}

// The certificate's issuer is `issuer`; a certificate authority names itself.
static inline int shim_certificate_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static inline int shim_crl_add_authority_key(X509_CRL *list, X509 *issuer) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    int done = extension && X509_CRL_add_ext(list, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static inline int shim_crl_count(X509_CRL *list) { return sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)); }

static inline const ASN1_INTEGER *shim_crl_serial(X509_CRL *list, int index) {
    return X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), index));
}
