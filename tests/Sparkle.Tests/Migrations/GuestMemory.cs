namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>What a guest has in its memory: which start it is of, and how long it has been running since.</summary>
internal readonly record struct GuestMemory(int Start, int Age);

/// <summary>What became of the guest, told by the hosts of the model, and the rules that it never breaks.</summary>
internal sealed class GuestLedger
{
    private int _starts;
    private bool _isOver = true;

    /// <summary>The newest there is.</summary>
    public GuestMemory Newest { get; private set; }

    public string? Violation { get; private set; }

    public bool IsLive => !_isOver;

    /// <summary>It ended by right: it was ordered to, it ended by itself, or the host that held it died.</summary>
    public void End(GuestMemory memory)
    {
        if (memory == Newest)
            _isOver = true;
    }

    public GuestMemory Start(string host)
    {
        if (!_isOver)
            Break($"{host} starts it from its disks, and a copy of {Newest} was there.");
        _isOver = false;
        return Newest = new GuestMemory(++_starts, 0);
    }

    /// <summary>It runs for a moment.</summary>
    public GuestMemory Run(GuestMemory memory, string host)
    {
        if (memory != Newest)
            Break($"{host} lets {memory} run, and {Newest} is newer.");
        _isOver = false;
        return Newest = memory with { Age = memory.Age + 1 };
    }

    public void LetGo(GuestMemory memory, bool isElsewhere, string host)
    {
        if (memory == Newest && !_isOver && !isElsewhere)
            Break($"{host} lets go of {memory}, and nobody else has it.");
    }

    public void Break(string violation) => Violation ??= violation;
}
