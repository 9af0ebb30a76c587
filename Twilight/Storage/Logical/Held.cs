namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>A semaphore that is released when this is disposed.</summary>
internal readonly struct Held : IDisposable
{
    private readonly SemaphoreSlim _semaphore;

    private Held(SemaphoreSlim semaphore) => _semaphore = semaphore;

    internal static async Task<Held> TakeAsync(SemaphoreSlim semaphore, CancellationToken cancellationToken)
    {
        await semaphore.WaitAsync(cancellationToken);
        return new Held(semaphore);
    }

    public void Dispose() => _semaphore.Release();
}
