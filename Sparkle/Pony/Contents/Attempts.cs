namespace PonyCloud.Pony.Contents;

/// <summary>
/// Goes on after cuts: at most <see cref="MostInVain"/> attempts in a row that bring nothing, each after a longer while, about
/// a minute in all. What has brought something is a new beginning: a large content may be cut often and still get there.
/// </summary>
internal sealed class Attempts(Session session)
{
    public const int MostInVain = 8;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    private int _inVain;
    private long _furthest;

    /// <summary>Waits before the next attempt.</summary>
    /// <param name="reached">How far it got.</param>
    /// <exception cref="PonyException">It was tried often enough, or the server wants to be left alone for longer.</exception>
    public async Task AfterAsync(CutException cut, long reached, CancellationToken cancellation)
    {
        _inVain = reached > _furthest ? 1 : _inVain + 1;
        _furthest = Math.Max(_furthest, reached);
        if (_inVain >= MostInVain || cut.RetryAfter > LongestPause)
            throw new PonyException(cut.Code, cut.Message, cut);
        var pause = FirstPause * Math.Pow(2, _inVain - 1);
#pragma warning disable CA5394 // Chance that spreads out clients, not one that keeps a secret.
        pause = (pause < LongestPause ? pause : LongestPause) * (0.75 + (Random.Shared.NextDouble() / 4));
#pragma warning restore CA5394
        session.Note($"Cut at {ByteText.Of(reached)}: {cut.Message} Going on …");
        await Task.Delay(cut.RetryAfter > pause ? cut.RetryAfter.Value : pause, session.Terminal.Time, cancellation);
    }
}
