namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The uploads that this server has seen, one for each volume; any thread.</summary>
internal sealed class UploadBook
{
    // Finished ones are kept for whoever asks again since the answer was lost on the way.
    private const int FinishedMax = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Upload> _uploads = [];

    /// <summary>How far it is; null when it has not begun.</summary>
    public Upload? Find(Guid volume, long generation)
    {
        lock (_gate)
            return _uploads.TryGetValue(volume, out var upload) && upload.Generation == generation ? upload : null;
    }

    public Upload Open(Guid volume, long generation)
    {
        lock (_gate)
        {
            if (_uploads.TryGetValue(volume, out var known) && known.Generation == generation)
                return known;
            var finished = _uploads.Where(upload => upload.Value.Finished is not null).Select(upload => upload.Key).ToList();
            foreach (var old in finished.Take(finished.Count - FinishedMax))
                _uploads.Remove(old);
            return _uploads[volume] = new Upload(generation);
        }
    }
}
