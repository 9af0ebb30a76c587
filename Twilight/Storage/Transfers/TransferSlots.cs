namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>Places for transfers; any thread.</summary>
internal sealed class TransferSlots(int max) : IDisposable
{
    private readonly SemaphoreSlim _free = new(max, max);

    /// <returns>A place, given back by disposing of it; null when there is none.</returns>
    public IDisposable? TryTake() => _free.Wait(0) ? new Slot(_free) : null;

    public void Dispose() => _free.Dispose();

    private sealed class Slot(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
