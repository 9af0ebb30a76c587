using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.ObjectPool;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>A buffer with a writer on it, to write an answer before it is sent.</summary>
public sealed class JsonBuffer : IDisposable
{
    public JsonBuffer() => Json = new Utf8JsonWriter(
        Bytes, new JsonWriterOptions { Encoder = RowJson.Options.Encoder, SkipValidation = true });

    public ArrayBufferWriter<byte> Bytes { get; } = new(1024);

    public Utf8JsonWriter Json { get; }

    public void Reset()
    {
        Bytes.ResetWrittenCount();
        Json.Reset();
    }

    public void Dispose() => Json.Dispose();
}

/// <summary>Buffers that are used again, so that a read allocates next to nothing.</summary>
public sealed class JsonBuffers
{
    private readonly ObjectPool<JsonBuffer> _pool = new DefaultObjectPool<JsonBuffer>(new Policy());

    public JsonBuffer Get() => _pool.Get();

    public void Return(JsonBuffer buffer) => _pool.Return(buffer);

    private sealed class Policy : PooledObjectPolicy<JsonBuffer>
    {
        // A buffer that had to grow for one large row is not worth keeping.
        private const int MaxKept = 128 * 1024;

        public override JsonBuffer Create() => new();

        public override bool Return(JsonBuffer obj)
        {
            obj.Reset();
            return obj.Bytes.Capacity <= MaxKept;
        }
    }
}
