using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;

namespace PonyCloud.Benchmarks.Etcd;

/// <summary>
/// The few calls of etcd's API (version 3, gRPC) that stand beside this project's own work. The messages are written by
/// hand: a handful of fields does not need a code generator.
/// </summary>
internal sealed class EtcdClient(Uri address) : IDisposable
{
    public const int PutsPerTransaction = 1000;

    private const int PrefixLength = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly MediaTypeHeaderValue Grpc = new("application/grpc");

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        InitialHttp2StreamWindowSize = 16 * 1024 * 1024,
        EnableMultipleHttp2Connections = true,
    })
    {
        BaseAddress = address,
        Timeout = Patience,
    };

    /// <summary>Puts all of these, many in each transaction.</summary>
    public async Task PutAsync(IEnumerable<(byte[] Key, byte[] Value)> rows)
    {
        foreach (var chunk in rows.Chunk(PutsPerTransaction))
        {
            // TxnRequest.success = 2, RequestOp.request_put = 2, PutRequest.key = 1 and value = 2.
            var transaction = new ProtoWriter();
            foreach (var (key, value) in chunk)
                transaction.Bytes(2, new ProtoWriter().Bytes(2, new ProtoWriter().Bytes(1, key).Bytes(2, value).Written).Written);
            await CallAsync("/etcdserverpb.KV/Txn", transaction);
        }
    }

    /// <summary>Everything whose key begins like this.</summary>
    /// <returns>How many bytes the answer has.</returns>
    public async Task<int> RangeAsync(byte[] prefix)
    {
        byte[] end = [.. prefix[..^1], (byte)(prefix[^1] + 1)];
        return (await CallAsync("/etcdserverpb.KV/Range", new ProtoWriter().Bytes(1, prefix).Bytes(2, end))).Length - PrefixLength;
    }

    /// <summary>Makes leases of an hour with the ids from 1 on.</summary>
    public Task GrantAsync(int count) => Parallel.ForEachAsync(
        Enumerable.Range(1, count),
        new ParallelOptions { MaxDegreeOfParallelism = 64 },
        async (id, _) => await CallAsync("/etcdserverpb.Lease/LeaseGrant", new ProtoWriter().Number(1, 3600).Number(2, id)));

    /// <summary>Keeps leases alive through one stream, each so many times; ends when every one is answered.</summary>
    public async Task KeepAliveAsync(int first, int count, int rounds)
    {
        var round = new MemoryStream();
        for (var id = first; id < first + count; id++)
            round.Write(Frame(new ProtoWriter().Number(1, id)));
        using var request = Request("/etcdserverpb.Lease/LeaseKeepAlive", new RepeatedContent(round.ToArray(), rounds));
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        await using var answers = await response.Content.ReadAsStreamAsync();
        var prefix = new byte[PrefixLength];
        var body = new byte[1024];
        for (var i = 0L; i < (long)count * rounds; i++)
        {
            await answers.ReadExactlyAsync(prefix);
            await answers.ReadExactlyAsync(body.AsMemory(0, BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))));
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<byte[]> CallAsync(string method, ProtoWriter message)
    {
        using var request = Request(method, new ByteArrayContent(Frame(message)));
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadAsByteArrayAsync();
        var status = Status(response.TrailingHeaders) ?? Status(response.Headers);
        return status == "0" ? body : throw new InvalidOperationException($"etcd answered {method} with status {status}.");
    }

    private static HttpRequestMessage Request(string method, HttpContent content)
    {
        content.Headers.ContentType = Grpc;
        return new HttpRequestMessage(HttpMethod.Post, method)
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { TE = { new TransferCodingWithQualityHeaderValue("trailers") } },
        };
    }

    private static string? Status(HttpHeaders headers) => headers.TryGetValues("grpc-status", out var values) ? values.First() : null;

    /// <summary>A message as gRPC frames it: not compressed, and its length.</summary>
    private static byte[] Frame(ProtoWriter message)
    {
        var frame = new byte[PrefixLength + message.Written.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Written.Length);
        message.Written.CopyTo(frame.AsSpan(PrefixLength));
        return frame;
    }

    /// <summary>Sends the same bytes again and again.</summary>
    private sealed class RepeatedContent(byte[] bytes, int times) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < times; i++)
            {
                await stream.WriteAsync(bytes);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>The two kinds of fields that the messages above have (protobuf.dev/programming-guides/encoding).</summary>
    private sealed class ProtoWriter
    {
        private readonly ArrayBufferWriter<byte> _buffer = new();

        public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

        public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
        {
            Varint((ulong)(field << 3 | 2));
            Varint((ulong)value.Length);
            _buffer.Write(value);
            return this;
        }

        public ProtoWriter Number(int field, long value)
        {
            Varint((ulong)(field << 3));
            Varint((ulong)value);
            return this;
        }

        private void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                _buffer.Write([(byte)(value | 0x80)]);
            _buffer.Write([(byte)value]);
        }
    }
}
