using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Networks.Trials;

/// <summary>Runs the book by the clock, and keeps it. Owned by the loop of the network.</summary>
public sealed class TrialDesk
{
    private readonly TrialFile _file;
    private readonly SparkleSign _sign;
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly TimeSpan _grace;
    private long _applied;

    /// <exception cref="InvalidDataException">The file cannot be understood.</exception>
    public TrialDesk(TrialFile file, SparkleSign sign, TimeSpan limit, TimeSpan grace, TimeProvider time)
    {
        _file = file;
        _sign = sign;
        _time = time;
        _limit = limit;
        _grace = grace;
        Book = file.Read();
        // A trial of an agent before this one begins its time anew.
        _applied = time.GetTimestamp();
    }

    public TrialBook Book { get; private set; }

    /// <summary>When the trial that runs is over, from now; null while none runs.</summary>
    public TimeSpan? Left => Book.Running is null ? null : Max(_limit - _time.GetElapsedTime(_applied), TimeSpan.Zero);

    /// <inheritdoc cref="TrialBook.Order"/>
    public void Order(HostOrders ordered) => Keep(Book.Order(ordered));

    /// <summary>Written before the first step, so that whoever comes after this process can put back what was.</summary>
    public void Begin(HostOrders tried, BootedNetwork booted, NamespaceState here)
    {
        Keep(Book.Begin(tried, booted, here));
        _applied = _time.GetTimestamp();
    }

    /// <summary>The steps were carried out: from now on Sparkle has to be heard.</summary>
    public void Applied() => _applied = _time.GetTimestamp();

    /// <summary>The orders are carried out without touching the path. While a trial runs they are a part of it.</summary>
    public void Settle(HostOrders orders, BootedNetwork booted) => Keep(Book.Settle(orders, booted));

    /// <summary>
    /// Whether it is time that the trial that runs ends. One that did not work is given up here, before the first step back, and over
    /// when <see cref="RolledBack"/> says so; in between this says so again, whatever is heard.
    /// </summary>
    /// <returns>What it was and how it ended; null when nothing ended.</returns>
    public (RunningTrial Trial, bool Worked)? End()
    {
        if (Book.Running is not { } running)
            return null;
        if (running.IsGivenUp)
            return (running, false);
        if (_sign.LastHeard is { } heard && _time.GetElapsedTime(_applied, heard) >= _grace)
        {
            Keep(Book.Confirm());
            return (running, true);
        }
        if (Left > TimeSpan.Zero)
            return null;
        Keep(Book.GiveUp());
        return (running, false);
    }

    /// <summary>What was before is there again. Until then the book has it, whatever fails and whoever is killed on the way.</summary>
    /// <returns>Why, in words.</returns>
    public string RolledBack()
    {
        var why = $"Given up at {_time.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z: Sparkle was not heard within {_limit.TotalSeconds:0} s, and what was before is there again.";
        Keep(Book.Expire(why));
        return why;
    }

    private void Keep(TrialBook book)
    {
        if (book == Book)
            return;
        _file.Write(book);
        Book = book;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
