internal import COpenSSL
internal import FoundationEssentials

/// Makes X.509 version 3 certificates and revocation lists, signed with ECDSA over SHA-256.
enum CertificateBuilder {
    /// What a certificate shall say.
    struct Content {
        var commonName: String
        /// `URI:…,DNS:…,IP:…` in OpenSSL's notation, made of checked names only.
        var alternativeNames: String
        var isAuthority = false
        /// `serverAuth` or `clientAuth`; nil for an authority.
        var purpose: String?
        var lifetime: CertificateLifetime
        /// Any key whose public half is to be certified.
        var key: PrivateKey
    }

    /// Signs a certificate; the authority signs itself when `issuer` is nil.
    static func certificate(_ content: Content, issuer: Certificate?, issuerKey: PrivateKey) throws
        -> Certificate
    {
        ERR_clear_error()
        guard let handle = X509_new() else { throw failed("a certificate") }
        let certificate = Certificate(taking: handle)
        let parent = issuer?.handle ?? handle
        guard X509_set_version(handle, 2) == 1, try setSerial(handle),
            ASN1_TIME_set(X509_getm_notBefore(handle), seconds(content.lifetime.notBefore)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(handle), seconds(content.lifetime.notAfter)) != nil,
            setCommonName(X509_get_subject_name(handle), content.commonName),
            X509_set_issuer_name(handle, X509_get_subject_name(parent)) == 1,
            X509_set_pubkey(handle, content.key.handle) == 1
        else { throw failed("a certificate") }
        var extensions: [(Int32, String)] = [(NID_subject_key_identifier, "hash")]
        if content.isAuthority {
            extensions += [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ]
        } else {
            extensions += [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
            ]
        }
        if let purpose = content.purpose { extensions.append((NID_ext_key_usage, purpose)) }
        // The authority's key identifier is copied from its subject key identifier, so that one comes first.
        extensions.append((NID_authority_key_identifier, "keyid:always"))
        extensions.append((NID_subject_alt_name, content.alternativeNames))
        for (kind, value) in extensions {
            guard shim_certificate_add_extension(handle, parent, kind, value) == 1 else {
                throw failed("the certificate extension '\(value)'")
            }
        }
        guard X509_sign(handle, issuerKey.handle, EVP_sha256()) > 0 else {
            throw failed("signing a certificate")
        }
        return certificate
    }

    /// Signs a list of revoked serial numbers (hexadecimal) with the times of their revocation.
    static func revocationList(
        _ revoked: [(serial: String, at: Date)],
        number: Int,
        lifetime: CertificateLifetime,
        issuer: Certificate,
        issuerKey: PrivateKey
    ) throws -> RevocationList {
        ERR_clear_error()
        guard let handle = X509_CRL_new() else { throw failed("a revocation list") }
        var isGivenAway = false
        defer { if !isGivenAway { X509_CRL_free(handle) } }
        let last = ASN1_TIME_set(nil, seconds(lifetime.notBefore))
        let next = ASN1_TIME_set(nil, seconds(lifetime.notAfter))
        let count = ASN1_INTEGER_new()
        defer {
            ASN1_TIME_free(last)
            ASN1_TIME_free(next)
            ASN1_INTEGER_free(count)
        }
        guard X509_CRL_set_version(handle, 1) == 1, ASN1_INTEGER_set(count, number) == 1,
            X509_CRL_set_issuer_name(handle, X509_get_subject_name(issuer.handle)) == 1,
            X509_CRL_set1_lastUpdate(handle, last) == 1, X509_CRL_set1_nextUpdate(handle, next) == 1,
            shim_crl_add_authority_key(handle, issuer.handle) == 1,
            X509_CRL_add1_ext_i2d(handle, NID_crl_number, count, 0, 0) == 1
        else { throw failed("a revocation list") }
        for entry in revoked { try add(entry.serial, at: entry.at, to: handle) }
        guard X509_CRL_sort(handle) == 1, X509_CRL_sign(handle, issuerKey.handle, EVP_sha256()) > 0 else {
            throw failed("signing a revocation list")
        }
        isGivenAway = true
        return RevocationList(taking: handle)
    }

    private static func add(_ serial: String, at time: Date, to list: OpaquePointer) throws {
        var number: OpaquePointer?
        defer { BN_free(number) }
        guard BN_hex2bn(&number, serial) == serial.utf8.count, let integer = BN_to_ASN1_INTEGER(number, nil)
        else {
            throw failed("the serial number '\(serial)'")
        }
        let date = ASN1_TIME_set(nil, seconds(time))
        defer {
            ASN1_INTEGER_free(integer)
            ASN1_TIME_free(date)
        }
        guard let entry = X509_REVOKED_new(), X509_REVOKED_set_serialNumber(entry, integer) == 1,
            X509_REVOKED_set_revocationDate(entry, date) == 1, X509_CRL_add0_revoked(list, entry) == 1
        else { throw failed("a revocation entry") }
    }

    /// 128 random bits; the top bit is cleared so that the number stays positive, the next set so that
    /// every serial has 32 digits.
    private static func setSerial(_ certificate: OpaquePointer) throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&bytes, Int32(bytes.count)) == 1 else { throw failed("random numbers") }
        bytes[0] = bytes[0] & 0x7F | 0x40
        let number = BN_bin2bn(bytes, Int32(bytes.count), nil)
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
    }

    static func setCommonName(_ name: OpaquePointer?, _ text: String) -> Bool {
        // A common name holds at most 64 characters; the names that count are in the alternative names.
        let bytes = Array(text.utf8.prefix(64))
        return X509_NAME_add_entry_by_NID(
            name,
            NID_commonName,
            MBSTRING_UTF8,
            bytes,
            Int32(bytes.count),
            -1,
            0
        ) == 1
    }

    private static func seconds(_ date: Date) -> Int { Int(date.timeIntervalSince1970.rounded()) }

    private static func failed(_ action: String) -> IdentityError { .openSSL(action, OpenSSLErrors.drain()) }
}
