internal import Rounds
internal import Transport
internal import Wire

/// Connects, reads, hangs up.
extension ClientNode {
    func connect() {
        linkNumber += 1
        let number = linkNumber
        let attempt = Task { [dialer, sender] in
            do {
                let connection = try await dialer.connect()
                if case .terminated = sender.yield(.linked(number, connection)) { connection.abort() }
            } catch {
                self.report(error, of: number, as: .connectFailed(reason: "\(error)"))
            }
        }
        connecting = attempt
        workSender.yield { await attempt.value }
    }

    func open(_ connection: any Connection, _ number: Int) {
        let link = ClientLink(connection)
        self.link = link
        workSender.yield { await link.sendAll() }
        workSender.yield { await self.read(connection, number) }
    }

    /// Gives up the connection, or the attempt to make one. What it has brought of a download is kept.
    func hangUp() {
        linkNumber += 1
        connecting?.cancel()
        connecting = nil
        link?.finish()
        link = nil
    }

    private nonisolated func read(_ connection: any Connection, _ number: Int) async {
        do {
            for try await frame in connection.inbound {
                let message = try CoordinatorMessage(frame: frame)
                await withCheckedContinuation { reply in
                    let result = sender.yield(.ofLink(number, .received(message), reply))
                    if case .terminated = result { reply.resume() }
                }
            }
            sender.yield(.ofLink(number, .disconnected(reason: "the coordinator closed the connection"), nil))
        } catch let error as WireError {
            sender.yield(.ofLink(number, .undecodable(code: error.code, message: "\(error)"), nil))
        } catch {
            report(error, of: number, as: .disconnected(reason: "\(error)"))
        }
    }

    /// Tells the machine of an error that may pass; any other, such as a certificate that nobody trusts,
    /// ends the client, because coming back would only repeat it.
    private nonisolated func report(_ error: any Error, of number: Int, as event: ClientEvent) {
        if let error = error as? TransportError, !error.isTransient {
            sender.yield(.lasting(number, error))
        } else {
            sender.yield(.ofLink(number, event, nil))
        }
    }

    // MARK: - Downloads

    func receive(_ manifest: Manifest) {
        // What a lost connection has brought already need not come again.
        let kept = download.flatMap { $0.manifest == manifest ? $0 : nil }
        let assembler = kept ?? BlobAssembler(manifest: manifest)
        download = assembler
        link?.post(.continue(Continue(transfer: manifest.digest, fromChunk: assembler.nextChunk)))
    }

    func take(_ chunk: Chunk, of blob: ClientDownload) {
        do {
            try download?.accept(chunk)
            guard let complete = download, complete.isComplete else { return }
            download = nil
            downloaded = try complete.finish()
            post(.downloaded(blob))
        } catch {
            download = nil
            post(.downloadFailed(blob, code: error.code, message: "\(error)"))
        }
    }
}
