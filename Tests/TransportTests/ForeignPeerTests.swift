import Foundation
import Testing
import Wire

@testable import Transport

extension SocketTests {
    /// The other side is OpenSSL's or Python's own program.
    @Suite(
        "Foreign peers",
        .enabled(if: isInstalled("openssl") && isInstalled("python3"), "install openssl and python3")
    )
    struct ForeignPeers {
        private func client(_ station: Station, _ options: [String], input: String = "") async throws
            -> String
        {
            let address = "127.0.0.1:\(station.listener.port)"
            let command = ["timeout", "20", "openssl", "s_client", "-ign_eof", "-connect", address] + options
            return try await run(command, input: Data(input.utf8)).output
        }

        private func identity(_ folder: String) -> [String] {
            [
                "-cert", "\(folder)/identity.crt", "-key", "\(folder)/identity.key", "-CAfile",
                "\(folder)/ca.crt",
            ]
        }

        @Test("s_client without a certificate")
        func noCertificate() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let output = try await client(station, ["-alpn", "tributary/1"])
                #expect(await station.log.refusal() == "noCertificate")
                #expect(output.contains("certificate required"), "\(output)")
            }
        }

        @Test("s_client with TLS 1.2 only")
        func oldVersion() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let folder = federation.clientDirectory("ada")
                let output = try await client(
                    station,
                    ["-tls1_2", "-alpn", "tributary/1"] + identity(folder)
                )
                #expect(await station.log.refusal() == "protocolVersion")
                #expect(output.contains("alert protocol version"), "\(output)")
            }
        }

        @Test("s_client with no ALPN or another", arguments: [[], ["-alpn", "h2,http/1.1"]])
        func otherProtocol(options: [String]) async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let output = try await client(station, options + identity(federation.clientDirectory("ada")))
                #expect(await station.log.refusal() == "applicationProtocol")
                #expect(output.contains("no application protocol"), "\(output)")
            }
        }

        @Test("s_client with the coordinator's certificate, or with a client's of another federation")
        func wrongIdentity() async throws {
            let federation = try TestFederation()
            let other = try federation.forge("other", uri: "tributary://lake/client/ada")
            let role = try federation.forge("role", uri: "tributary://river/coordinator")
            let nobody = try federation.forge("nobody", uri: "https://example.org")
            let cases = [
                (federation.coordinatorDirectory, "wrongRole", "unsupported certificate"),
                (role, "wrongRole", "handshake failure"), (other, "wrongFederation", "handshake failure"),
                (nobody, "noIdentity", "handshake failure"),
            ]
            for (folder, code, alert) in cases {
                try await Station.run(federation) { station in
                    let output = try await client(station, ["-alpn", "tributary/1"] + identity(folder))
                    #expect(await station.log.refusal() == code)
                    #expect(output.contains(alert), "\(output)")
                }
            }
        }

        @Test("Python's ssl speaks with us: frames both ways over TLS 1.3")
        func python() async throws {
            let federation = try TestFederation()
            try await Station.run(federation) { station in
                let frame = FrameEncoder.encode(.chunk(60_000, fill: 3)) + FrameEncoder.encode(.heartbeat)
                let path = "\(federation.directory)/frames.bin"
                try Data(frame).write(to: URL(fileURLWithPath: path))
                let script = """
                    import socket, ssl, sys
                    folder, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
                    context = ssl.create_default_context(cafile=folder + '/ca.crt')
                    context.load_cert_chain(folder + '/identity.crt', folder + '/identity.key')
                    context.set_alpn_protocols(['tributary/1'])
                    data = open(path, 'rb').read()
                    raw = socket.create_connection(('127.0.0.1', port))
                    with context.wrap_socket(raw, server_hostname='127.0.0.1') as tls:
                        print(tls.version(), tls.selected_alpn_protocol())
                        tls.sendall(data)
                        got = b''
                        while len(got) < len(data):
                            got += tls.recv(65536)
                        print('same', got == data)
                        tls.unwrap()
                    """
                let folder = federation.clientDirectory("ada")
                let result = try await run(
                    ["timeout", "20", "python3", "-c", script, folder, "\(station.listener.port)", path])
                #expect(result.output == "TLSv1.3 tributary/1\nsame True\n")
                #expect(result.status == 0)
            }
        }

        @Test(
            "s_server that is not our coordinator is found out",
            arguments: [
                ("client's certificate", TransportError.Code.wrongRole),
                ("TLS 1.2 only", .protocolVersion), ("no protocol", .applicationProtocol),
                ("client's name", .wrongRole), ("expired", .expired), ("other federation", .wrongFederation),
            ]
        )
        func servers(kind: String, code: TransportError.Code) async throws {
            let federation = try TestFederation()
            var folder = federation.coordinatorDirectory
            var options = ["-alpn", "tributary/1"]
            switch kind {
            case "client's certificate": folder = federation.clientDirectory("bob")
            case "TLS 1.2 only": options += ["-tls1_2"]
            case "no protocol": options = []
            case "client's name":
                folder = try federation.forge("s", uri: "tributary://river/client/bob", hosts: "IP:127.0.0.1")
            case "expired":
                folder = try federation.forge(
                    "s",
                    uri: "tributary://river/coordinator",
                    hosts: "IP:127.0.0.1",
                    lifetime: CertificateLifetime(
                        notBefore: Date().addingTimeInterval(-7200),
                        notAfter: Date().addingTimeInterval(-3600)
                    )
                )
            default:
                folder = try federation.forge("s", uri: "tributary://lake/coordinator", hosts: "IP:127.0.0.1")
            }
            // The purpose is judged before the host, so bob's certificate need not name one.
            let log = LogRecorder()
            let transport = TCPTransport(logger: log.logger)
            let server = try await ForeignServer.start(
                ["openssl", "s_server", "-accept", "127.0.0.1:0", "-Verify", "1", "-naccept", "1"]
                    + identity(folder)
                    + options
            )
            await #expect(throws: TransportError.of(code)) {
                let connection = try await transport.connect(
                    host: "127.0.0.1",
                    port: server.port,
                    context: try federation.client()
                )
                for try await _ in connection.inbound {}
            }
            server.stop()
            await transport.shutdown()
        }
    }
}

/// `openssl s_server` as a process; its port is read from its first lines.
final class ForeignServer: @unchecked Sendable {
    // Only `start`'s thread and, after it, `stop` touch the process.
    private let process: Process
    let port: Int

    private init(process: Process, port: Int) {
        self.process = process
        self.port = port
    }

    static func start(_ arguments: [String]) async throws -> ForeignServer {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                process.arguments = arguments
                process.standardOutput = output
                process.standardError = output
                process.standardInput = Pipe()
                do {
                    try process.run()
                    var text = ""
                    while true {
                        let bytes = output.fileHandleForReading.availableData
                        guard !bytes.isEmpty else { throw Failure(text: text) }
                        text += String(decoding: bytes, as: UTF8.self)
                        if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") }),
                            let port = line.split(separator: ":").last.flatMap({ Int($0) })
                        {
                            continuation.resume(returning: ForeignServer(process: process, port: port))
                            return
                        }
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }.start()
        }
    }

    func stop() { process.terminate() }

    struct Failure: Error { let text: String }
}
